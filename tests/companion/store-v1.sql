-- A store of schema version 1, as sqlite3 dumps it: one terminal with three records and a gap.
PRAGMA application_id = 1348094513;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE breaks (
	id TEXT NOT NULL, 
	code TEXT NOT NULL, 
	state TEXT NOT NULL, 
	row_key TEXT NOT NULL, 
	merchant_no TEXT NOT NULL, 
	terminal_no TEXT NOT NULL, 
	business_date TEXT, 
	amount_minor INTEGER NOT NULL, 
	effect_minor INTEGER NOT NULL, 
	provisional BOOLEAN NOT NULL, 
	reason TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	evidence TEXT NOT NULL, 
	first_run INTEGER NOT NULL, 
	last_run INTEGER NOT NULL, 
	closed_run INTEGER, 
	closed_reason TEXT, 
	PRIMARY KEY (id), 
	CHECK (state IN ('open', 'closed')), 
	FOREIGN KEY(first_run) REFERENCES runs (id), 
	FOREIGN KEY(last_run) REFERENCES runs (id), 
	FOREIGN KEY(closed_run) REFERENCES runs (id)
);
CREATE TABLE files (
	sha256 TEXT NOT NULL, 
	name TEXT NOT NULL, 
	layout TEXT NOT NULL, 
	merchant_no TEXT NOT NULL, 
	business_date TEXT NOT NULL, 
	rows INTEGER NOT NULL, 
	captured_count INTEGER NOT NULL, 
	captured_minor INTEGER NOT NULL, 
	imported_at TEXT NOT NULL, 
	superseded_by TEXT, 
	PRIMARY KEY (sha256), 
	FOREIGN KEY(superseded_by) REFERENCES files (sha256)
);
CREATE TABLE gaps (
	device_id TEXT NOT NULL, 
	first_seq INTEGER NOT NULL, 
	last_seq INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	noticed_at TEXT NOT NULL, 
	PRIMARY KEY (device_id, first_seq), 
	CHECK (last_seq >= first_seq), 
	FOREIGN KEY(device_id) REFERENCES terminals (device_id)
);
INSERT INTO "gaps" VALUES('pz-test-1',3,3,'damaged or gone at the terminal','2026-03-02T09:15:00+00:00');
CREATE TABLE records (
	device_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	payload BLOB NOT NULL, 
	kind INTEGER, 
	seal_ok BOOLEAN, 
	received_at TEXT NOT NULL, 
	PRIMARY KEY (device_id, seq), 
	FOREIGN KEY(device_id) REFERENCES terminals (device_id)
);
INSERT INTO "records" VALUES('pz-test-1',1,X'8C031A69A551910101011903E81903E863303231703632323230302A2A2A2A2A2A3030303548746F6B656E746F6B500000000000000000000000000000000001ED7C40A62CE78204',3,1,'2026-03-02T09:15:00+00:00');
INSERT INTO "records" VALUES('pz-test-1',2,X'8A041A69A551920101016230306C303030303030303030303031663030303030316A303330323039313530301903E807D1F20E5652232A',4,1,'2026-03-02T09:15:00+00:00');
INSERT INTO "records" VALUES('pz-test-1',4,X'8A041A69A551940201026235316C303030303030303030303032663030303030316A303330323039313530301907D0ECB440A1CB212D98',4,NULL,'2026-03-02T09:15:00+00:00');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	rules TEXT NOT NULL, 
	finished_at TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	break_set_hash TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE terminals (
	device_id TEXT NOT NULL, 
	terminal_no TEXT NOT NULL, 
	merchant_no TEXT NOT NULL, 
	merchant_name TEXT NOT NULL, 
	config TEXT NOT NULL, 
	seal_key BLOB NOT NULL, 
	sync_key BLOB NOT NULL, 
	token_key BLOB NOT NULL, 
	state TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	last_sync_at TEXT, 
	next_seq INTEGER NOT NULL, 
	PRIMARY KEY (device_id), 
	CHECK (state IN ('offered', 'provisioned', 'retired'))
);
INSERT INTO "terminals" VALUES('pz-test-1','10000001','104110070110001','TEST SHOP','{"host": "127.0.0.1", "port": 8583, "profile": "unionpay_pos", "response_ms": 1000, "reversal_tries": 3, "reversal_wait_ms": 100, "sync_port": 0, "tpdu": "6000030000", "wifi_ssid": "shop"}',X'6E285B6C8F052B23EE9928BD9F63BDD90537FBF6B7A3C1D70DA3038008F6AD3C',X'A6FA38BFFE1865D42D31B43D1AA2D75AAF1BD5DADB49C7595E48CB86F7B529EA',X'F8E77574B3FC302E2D222B91DCFE2254956D06924BE50DEEFF7145A62ACFDACE','provisioned','2026-03-02T09:15:00+00:00','2026-03-02T09:15:00+00:00',5);
CREATE INDEX breaks_by_state ON breaks (state, code);
COMMIT;
