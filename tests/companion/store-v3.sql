-- A store of schema version 3, as sqlite3 dumps it: one terminal, a day file and the one that took its
-- place, two runs, two open breaks and a closed one, a verdict. The original of the second file is store-v3-day.csv.
PRAGMA application_id = 1348094513;
PRAGMA user_version = 3;
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
INSERT INTO "breaks" VALUES('3dc37981c6b829d7','REVERSAL_STUCK','open','104110070110001|10000001|000001|000002|0','104110070110001','10000001','2026-03-02',2000,2000,0,'the reversal was suspended after 3 tries; the host captured 20.00','acquirer','{"host": {"amount_minor": 2000, "auth": "000001", "card": "622200******0005", "currency": "156", "f39": "00", "file": "b641be91c4a26c3fa5ac6e9248c78a26dcbf42356bfb024e797559912463c464", "host_time": "2026-03-02 09:00:01+00:00", "line": 4, "money_minor": 2000, "reversal_f39": "", "rrn": "000000000002", "status": "CAPTURED", "txn": "SALE"}, "terminal": {"amount_minor": 2000, "auth": "", "card": "622200******0005", "code": "", "currency": "156", "device_id": "pz-test-1", "echoed_minor": null, "entry": "021", "first_seq": 3, "host_time": "0302091500", "last_seq": 5, "late_code": "", "money_minor": 2000, "receipts": 0, "remarks": "", "reversal_attempts": 3, "reversal_code": "00", "reversal_reason": "98", "rrn": "", "sent_minor": 2000, "status": "SUSPENDED", "token": "746f6b656e746f6b", "txn": "SALE", "wall": "2026-03-02 09:00:03+00:00"}}',1,2,NULL,NULL);
INSERT INTO "breaks" VALUES('f9bc68bbe48d7bb9','TERMINAL_ONLY','closed','104110070110001|10000001|000001|000003|0','104110070110001','10000001','2026-03-02',700,-700,0,'the terminal approved 7.00; the host''s file does not have it','acquirer','{"host": null, "terminal": {"amount_minor": 700, "auth": "000001", "card": "622200******0005", "code": "00", "currency": "156", "device_id": "pz-test-1", "echoed_minor": 700, "entry": "021", "first_seq": 6, "host_time": "0302091500", "last_seq": 7, "late_code": "", "money_minor": 700, "receipts": 0, "remarks": "", "reversal_attempts": 0, "reversal_code": "", "reversal_reason": "", "rrn": "000000000003", "sent_minor": 700, "status": "APPROVED", "token": "746f6b656e746f6b", "txn": "SALE", "wall": "2026-03-02 09:00:06+00:00"}}',1,1,2,'both sides now agree: approved here, captured there, the same amount');
INSERT INTO "breaks" VALUES('b55c4dc6d3ad72d1','HOST_ONLY','open','104110070110001|10000001|000001|000009|0','104110070110001','10000001','2026-03-02',500,500,0,'the host captured 5.00; no synced terminal knows of it: sync first','shop','{"host": {"amount_minor": 500, "auth": "000001", "card": "622200******0005", "currency": "156", "f39": "00", "file": "b641be91c4a26c3fa5ac6e9248c78a26dcbf42356bfb024e797559912463c464", "host_time": "2026-03-02 09:00:02+00:00", "line": 5, "money_minor": 500, "reversal_f39": "", "rrn": "000000000009", "status": "CAPTURED", "txn": "SALE"}, "terminal": null}',1,2,NULL,NULL);
CREATE TABLE changes (
	device_id TEXT NOT NULL, 
	data BLOB NOT NULL, 
	wanted_at TEXT NOT NULL, 
	PRIMARY KEY (device_id), 
	FOREIGN KEY(device_id) REFERENCES terminals (device_id)
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
INSERT INTO "files" VALUES('01e8fc633f476df0ccbc74d417ddfcaa1b993028cdfea730b925342fec20454a','day.csv','pingzhang-host-1','104110070110001','2026-03-02',3,3,3750,'2026-11-22T11:02:24+00:00','b641be91c4a26c3fa5ac6e9248c78a26dcbf42356bfb024e797559912463c464');
INSERT INTO "files" VALUES('b641be91c4a26c3fa5ac6e9248c78a26dcbf42356bfb024e797559912463c464','day2.csv','pingzhang-host-1','104110070110001','2026-03-02',4,4,4450,'2026-11-22T11:02:24+00:00',NULL);
CREATE TABLE findings (
	device_id TEXT NOT NULL, 
	code TEXT NOT NULL, 
	first_seq INTEGER NOT NULL, 
	last_seq INTEGER NOT NULL, 
	problem TEXT NOT NULL, 
	evidence TEXT NOT NULL, 
	noticed_at TEXT NOT NULL, 
	seen_at TEXT NOT NULL, 
	PRIMARY KEY (device_id, code, first_seq), 
	FOREIGN KEY(device_id) REFERENCES terminals (device_id)
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
CREATE TABLE images (
	sha256 TEXT NOT NULL, 
	device_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	first_seq INTEGER NOT NULL, 
	next_seq INTEGER NOT NULL, 
	unsure_seq INTEGER, 
	loaded_at TEXT NOT NULL, 
	PRIMARY KEY (sha256), 
	FOREIGN KEY(device_id) REFERENCES terminals (device_id)
);
CREATE TABLE records (
	device_id TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	payload BLOB NOT NULL, 
	kind INTEGER, 
	seal_ok BOOLEAN, 
	received_at TEXT NOT NULL, 
	image TEXT, 
	PRIMARY KEY (device_id, seq), 
	FOREIGN KEY(device_id) REFERENCES terminals (device_id), 
	FOREIGN KEY(image) REFERENCES images (sha256)
);
INSERT INTO "records" VALUES('pz-test-1',1,X'93031A69A551910101011904E21904E263303231703632323230302A2A2A2A2A2A3030303548746F6B656E746F6B50000000000000000000000000000000000100006060604000BB7839097D6C8A22',3,1,'2026-11-22T11:02:24+00:00',NULL);
INSERT INTO "records" VALUES('pz-test-1',2,X'8A041A69A551920101016230306C303030303030303030303031663030303030316A303330323039313530301904E27E2E99BD81C29CB6',4,1,'2026-11-22T11:02:24+00:00',NULL);
INSERT INTO "records" VALUES('pz-test-1',3,X'93031A69A551930102011907D01907D063303231703632323230302A2A2A2A2A2A3030303548746F6B656E746F6B500000000000000000000000000000000001000060606040007075FE5FA9275F3E',3,1,'2026-11-22T11:02:24+00:00',NULL);
INSERT INTO "records" VALUES('pz-test-1',4,X'86051A69A55194020162393801A29D11B384011347',5,1,'2026-11-22T11:02:24+00:00',NULL);
INSERT INTO "records" VALUES('pz-test-1',5,X'88061A69A551950201036230306003E5210D4FDFF22E3D',6,1,'2026-11-22T11:02:24+00:00',NULL);
INSERT INTO "records" VALUES('pz-test-1',6,X'93031A69A551960103011902BC1902BC63303231703632323230302A2A2A2A2A2A3030303548746F6B656E746F6B50000000000000000000000000000000000100006060604000B822B6F78F7C8DC6',3,1,'2026-11-22T11:02:24+00:00',NULL);
INSERT INTO "records" VALUES('pz-test-1',7,X'8A041A69A551970301016230306C303030303030303030303033663030303030316A303330323039313530301902BC17D669848AD9DC13',4,1,'2026-11-22T11:02:24+00:00',NULL);
CREATE TABLE rotations (
	device_id TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	seal_key BLOB NOT NULL, 
	sync_key BLOB NOT NULL, 
	PRIMARY KEY (device_id, generation), 
	FOREIGN KEY(device_id) REFERENCES terminals (device_id)
);
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	rules TEXT NOT NULL, 
	finished_at TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	break_set_hash TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'exact-2','2026-11-22T11:02:24+00:00','{"counts": {"HOST_ONLY": 1, "MATCHED": 1, "REVERSAL_STUCK": 1, "TERMINAL_ONLY": 1}, "host_captured_minor": 3750, "terminal_approved_minor": 1950}','9e009db659e1042828f442635e72415ae3f460c2662092a4f14cabe6b2355e3c');
INSERT INTO "runs" VALUES(2,'exact-2','2026-11-22T11:02:24+00:00','{"counts": {"HOST_ONLY": 1, "MATCHED": 2, "REVERSAL_STUCK": 1}, "host_captured_minor": 4450, "terminal_approved_minor": 1950}','1bae09302dc18a34949c5ac19921343e782694486f6a56fa88107ba259e9f06c');
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
INSERT INTO "terminals" VALUES('pz-test-1','10000001','104110070110001','TEST SHOP','{"host": "127.0.0.1", "port": 8583, "profile": "unionpay_pos", "response_ms": 1000, "reversal_tries": 3, "reversal_wait_ms": 100, "sync_port": 0, "tpdu": "6000030000", "wifi_ssid": "shop"}',X'6E285B6C8F052B23EE9928BD9F63BDD90537FBF6B7A3C1D70DA3038008F6AD3C',X'A6FA38BFFE1865D42D31B43D1AA2D75AAF1BD5DADB49C7595E48CB86F7B529EA',X'F8E77574B3FC302E2D222B91DCFE2254956D06924BE50DEEFF7145A62ACFDACE','provisioned','2026-11-22T11:02:24+00:00','2026-11-22T11:02:24+00:00',8);
CREATE TABLE verdicts (
	merchant_no TEXT NOT NULL, 
	terminal_no TEXT NOT NULL, 
	batch INTEGER NOT NULL, 
	stan INTEGER NOT NULL, 
	result INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	decided_at TEXT NOT NULL, 
	given_at TEXT, 
	PRIMARY KEY (merchant_no, terminal_no, batch, stan)
);
INSERT INTO "verdicts" VALUES('104110070110001','10000001',1,2,1,'captured','2026-11-22T11:02:24+00:00',NULL);
CREATE INDEX breaks_by_state ON breaks (state, code);
COMMIT;
