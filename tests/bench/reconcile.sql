-- The rules once more, by hand, for DuckDB: over all days at once, as one would write them for a
-- single look at the books. It has to come to the same break set as the companion's fold.
-- Views: the legs and the reference tables of companion/facts/schema.py, and today(today).

CREATE MACRO money(txn, amount) AS
  CASE WHEN txn IN ('PREAUTH', 'PREAUTH_CANCEL') THEN 0
       WHEN txn IN ('VOID', 'REFUND', 'COMPLETION_VOID') THEN -amount
       ELSE amount END;
CREATE MACRO way(txn) AS
  CASE txn WHEN 'PREAUTH' THEN 1 WHEN 'PREAUTH_CANCEL' THEN 2
           WHEN 'VOID' THEN 3 WHEN 'REFUND' THEN 3 WHEN 'COMPLETION_VOID' THEN 3 ELSE 4 END;
CREATE MACRO captured(status) AS status IN ('CAPTURED', 'AUTHORISED');
CREATE MACRO agree(a, b) AS a = b OR a = '' OR b = '';
CREATE MACRO takes(txn) AS txn IN ('SALE', 'COMPLETION', 'COMPLETION_NOTICE');
CREATE MACRO completes(txn) AS txn IN ('COMPLETION', 'COMPLETION_NOTICE');
CREATE MACRO named(merchant, terminal, batch, stan, n) AS
  concat_ws('|', merchant, terminal, batch, stan, n);

CREATE TABLE breaks (
  code VARCHAR, row_key VARCHAR, amount BIGINT, effect BIGINT, owed BIGINT, provisional BIGINT);

-- Pass 1. Keys are almost always alone on both sides; the others are numbered below.
CREATE TABLE met AS
  SELECT t.id AS t_id, a.id AS a_id, t.merchant_no, t.terminal_no, t.batch, t.stan,
    a.channel, a.day, t.at AS t_at, a.at AS a_at, t.day AS t_day, t.txn AS t_txn, a.txn AS a_txn,
    t.status AS t_status, a.status AS a_status, t.amount_minor AS t_amount,
    a.amount_minor AS a_amount
  FROM terminal t JOIN acquirer a USING (merchant_no, terminal_no, batch, stan)
  WHERE batch <> '' AND stan <> '';
CREATE TABLE several AS
  SELECT * FROM met
  WHERE t_id IN (SELECT t_id FROM met GROUP BY t_id HAVING count(*) > 1)
     OR a_id IN (SELECT a_id FROM met GROUP BY a_id HAVING count(*) > 1);
CREATE TABLE wrong_pairs AS
  SELECT t_id, a_id FROM (
    SELECT t_id, a_id,
      dense_rank() OVER (PARTITION BY merchant_no, terminal_no, batch, stan
                         ORDER BY t_day, t_status <> 'APPROVED', t_at, t_id) AS t_place,
      dense_rank() OVER (PARTITION BY merchant_no, terminal_no, batch, stan
                         ORDER BY day, NOT captured(a_status), a_at, a_id) AS a_place
    FROM several)
  WHERE t_place <> a_place;
CREATE TABLE pairs AS
  SELECT *, 1 AS pass FROM met ANTI JOIN wrong_pairs USING (t_id, a_id);

-- Pass 2, over what is left.
CREATE TABLE rest_t AS
  SELECT id, merchant_no, terminal_no, channel, batch, stan, day, "at", txn, status, amount_minor,
    card, token, rrn
  FROM terminal ANTI JOIN pairs ON pairs.t_id = terminal.id;
CREATE TABLE rest_a AS
  SELECT id, merchant_no, terminal_no, channel, batch, stan, day, "at", txn, status, amount_minor,
    card, token, rrn, auth, orig_rrn
  FROM acquirer ANTI JOIN pairs ON pairs.a_id = acquirer.id
  WHERE txn <> 'FEE';
CREATE TABLE by_rrn AS
  WITH t AS (SELECT id, merchant_no, rrn, card, token,
               terminal_no,
               row_number() OVER (PARTITION BY merchant_no, rrn, card
                                  ORDER BY day, status <> 'APPROVED', "at", id) AS n
             FROM rest_t WHERE rrn <> ''),
       a AS (SELECT id, merchant_no, rrn, card, token,
               terminal_no,
               row_number() OVER (PARTITION BY merchant_no, rrn, card
                                  ORDER BY day, NOT captured(status), "at", id) AS n
             FROM rest_a WHERE rrn <> '')
  SELECT t.id AS t_id, a.id AS a_id FROM t JOIN a USING (merchant_no, rrn, card, n)
  WHERE agree(t.token, a.token) AND agree(t.terminal_no, a.terminal_no);

-- Pass 3: within 300 seconds, each other's nearest, twice; not when both have batch and STAN.
CREATE TABLE near AS
  WITH t AS (SELECT *, "at" // 300 AS slot
             FROM rest_t ANTI JOIN by_rrn ON by_rrn.t_id = rest_t.id),
       a AS (SELECT *, "at" // 300 + step AS slot
             FROM rest_a ANTI JOIN by_rrn ON by_rrn.a_id = rest_a.id,
               (VALUES (-1), (0), (1)) AS steps(step))
  SELECT t.id AS t_id, a.id AS a_id, t.at AS t_at, a.at AS a_at, abs(t.at - a.at) AS apart
  FROM t JOIN a ON t.merchant_no = a.merchant_no AND t.channel = a.channel
    AND t.amount_minor = a.amount_minor
    AND way(t.txn) = way(a.txn) AND t.slot = a.slot
  WHERE t.at > 0 AND a.at > 0 AND abs(t.at - a.at) <= 300
    AND agree(t.card, a.card) AND agree(t.terminal_no, a.terminal_no)
    AND (t.batch = '' OR t.stan = '' OR a.batch = '' OR a.stan = '');
CREATE MACRO nearest(t) AS TABLE
  SELECT t_id, a_id FROM query_table(t)
  QUALIFY row_number() OVER (PARTITION BY t_id ORDER BY apart, a_at, a_id) = 1
      AND row_number() OVER (PARTITION BY a_id ORDER BY apart, t_at, t_id) = 1;
CREATE TABLE first_round AS FROM nearest('near');
CREATE TABLE still_near AS
  FROM near ANTI JOIN first_round USING (t_id) ANTI JOIN first_round AS f USING (a_id);
CREATE TABLE later AS
  SELECT t_id, a_id, 2 AS pass FROM by_rrn
  UNION ALL SELECT t_id, a_id, 3 FROM first_round
  UNION ALL SELECT t_id, a_id, 3 FROM nearest('still_near');
INSERT INTO pairs
  SELECT t.id, a.id, t.merchant_no, t.terminal_no, t.batch, t.stan, a.channel, a.day, t.at, a.at,
    t.day, t.txn, a.txn, t.status, a.status, t.amount_minor, a.amount_minor, pass
  FROM later JOIN rest_t t ON t.id = t_id JOIN rest_a a ON a.id = a_id;
CREATE TABLE left_t AS FROM rest_t ANTI JOIN later ON later.t_id = rest_t.id;
CREATE TABLE left_a AS FROM rest_a ANTI JOIN later ON later.a_id = rest_a.id;

-- What the pairs say.
CREATE TABLE judged AS
  SELECT *, money(t_txn, t_amount) AS t_money, money(a_txn, a_amount) AS a_money,
    CASE
      WHEN t_txn = 'PREAUTH' AND a_txn = 'PREAUTH' AND captured(a_status)
        AND t_status NOT IN ('APPROVED', 'PENDING') THEN 'PREAUTH_NOT_RELEASED'
      WHEN t_txn = 'PREAUTH' AND a_txn = 'PREAUTH' AND captured(a_status)
        AND t_status = 'APPROVED' AND a_amount > t_amount THEN 'PREAUTH_OVER'
      WHEN t_txn = 'PREAUTH' AND a_txn = 'PREAUTH' AND captured(a_status)
        AND t_status = 'APPROVED' AND a_amount < t_amount THEN 'PREAUTH_UNDER'
      WHEN t_status = 'APPROVED' AND NOT captured(a_status) THEN
        CASE t_txn WHEN 'PREAUTH_CANCEL' THEN 'PREAUTH_NOT_RELEASED'
          WHEN 'VOID' THEN 'VOID_NOT_APPLIED' WHEN 'COMPLETION_VOID' THEN 'VOID_NOT_APPLIED'
          ELSE 'NOT_CAPTURED' END
      WHEN t_status = 'APPROVED' THEN 'AMOUNT_MISMATCH'
      WHEN NOT captured(a_status) THEN NULL
      WHEN t_status = 'DECLINED' THEN 'DECLINED_BUT_CAPTURED'
      WHEN t_status = 'REVERSED' THEN 'REVERSED_BUT_SETTLED'
      WHEN t_txn = 'REFUND' THEN 'REFUND_UNKNOWN'
      ELSE 'REVERSAL_STUCK' END AS code
  FROM pairs
  WHERE NOT (t_status = 'APPROVED' AND captured(a_status) AND t_amount = a_amount
             AND money(t_txn, t_amount) = money(a_txn, a_amount));
INSERT INTO breaks
  SELECT code, named(merchant_no, terminal_no, batch, stan, 1),
    CASE WHEN effect <> 0 THEN abs(effect)
      WHEN code IN ('PREAUTH_OVER', 'PREAUTH_UNDER', 'AMOUNT_MISMATCH')
        THEN abs(t_amount - a_amount)
      WHEN captured(a_status) THEN a_amount ELSE t_amount END,
    effect, 0,
    CASE WHEN code IN ('REVERSAL_STUCK', 'REFUND_UNKNOWN') AND t_status = 'PENDING'
      THEN 1 ELSE 0 END
  FROM (SELECT *,
      CASE WHEN code IN ('NOT_CAPTURED', 'VOID_NOT_APPLIED') THEN -t_money
        WHEN code = 'AMOUNT_MISMATCH' THEN a_money - t_money
        WHEN code LIKE 'PREAUTH%' THEN 0
        ELSE a_money END AS effect
    FROM judged WHERE code IS NOT NULL);

-- Charged twice: a captured row that only the acquirer has, beside another one like it.
CREATE TABLE twice AS
  WITH charge AS (SELECT id, merchant_no, terminal_no, card, amount_minor, txn, "at", day, batch,
                    stan, rrn
                  FROM acquirer WHERE status = 'CAPTURED' AND takes(txn)),
       own AS (SELECT * FROM left_a WHERE status = 'CAPTURED' AND takes(txn))
  SELECT DISTINCT own.id
  FROM own JOIN charge o USING (merchant_no, terminal_no, card, amount_minor, txn)
    LEFT JOIN left_a l ON l.id = o.id
  WHERE own.id <> o.id AND o.day BETWEEN own.day - 3 AND own.day + 3
    AND ((abs(own.at - o.at) <= 600 AND own.at > 0 AND o.at > 0)
         OR (own.batch = o.batch AND own.stan = o.stan AND own.batch <> '')
         OR (own.rrn = o.rrn AND own.rrn <> ''))
    AND (l.id IS NULL OR (o.at, o.id) < (own.at, own.id));

-- Completions, each with its hold.
CREATE TABLE held AS
  SELECT id, merchant_no, terminal_no, channel, batch, stan, day, "at", txn, amount_minor, card,
    auth, rrn, orig_rrn
  FROM acquirer
  WHERE captured(status)
    AND (completes(txn) OR txn IN ('PREAUTH', 'PREAUTH_CANCEL', 'COMPLETION_VOID'));
CREATE TABLE ended AS
  SELECT e.*, coalesce(r.id, a.id) AS hold, coalesce(r.amount_minor, a.amount_minor) AS held,
    coalesce('H' || coalesce(r.id, a.id), e.merchant_no || e.card || e.auth || e.orig_rrn) AS of
  FROM (SELECT * FROM held WHERE txn <> 'PREAUTH' AND txn <> 'COMPLETION_VOID') e
    LEFT JOIN (SELECT * FROM held WHERE txn = 'PREAUTH' AND rrn <> '') r
      ON r.merchant_no = e.merchant_no AND r.rrn = e.orig_rrn
    LEFT JOIN (SELECT * FROM held WHERE txn = 'PREAUTH' AND auth <> '') a
      ON a.merchant_no = e.merchant_no AND a.card = e.card AND a.auth = e.auth;
CREATE TABLE completion AS
  SELECT *, row_number() OVER w AS nth, sum(amount_minor) OVER w AS together
  FROM ended
  WHERE completes(txn) AND (merchant_no, rrn) NOT IN (
    SELECT (merchant_no, orig_rrn) FROM held WHERE txn = 'COMPLETION_VOID' AND orig_rrn <> '')
  WINDOW w AS (PARTITION BY of ORDER BY day, "at", id);

-- What only one side has. A row is numbered among those of its key and day.
CREATE TABLE alone_a AS
  WITH key AS (SELECT DISTINCT merchant_no, terminal_no, batch, stan, day FROM left_a
               WHERE batch <> ''),
       key_rrn AS (SELECT DISTINCT merchant_no, channel, rrn, day FROM left_a WHERE batch = ''),
       numbered AS (
         SELECT id, row_number() OVER (PARTITION BY merchant_no, terminal_no, batch, stan, day
                                       ORDER BY NOT captured(status), "at", id) AS n
         FROM acquirer SEMI JOIN key USING (merchant_no, terminal_no, batch, stan, day)
         UNION ALL
         SELECT id, row_number() OVER (PARTITION BY merchant_no, channel, rrn, day
                                       ORDER BY NOT captured(status), "at", id)
         FROM acquirer SEMI JOIN key_rrn USING (merchant_no, channel, rrn, day) WHERE batch = '')
  SELECT left_a.*,
    CASE WHEN batch <> '' THEN named(merchant_no, terminal_no, batch, stan, n)
      ELSE concat_ws('|', merchant_no, channel, rrn, n) END AS row_key,
    CASE WHEN captured(status) THEN money(txn, amount_minor) ELSE 0 END AS effect,
    CASE WHEN NOT captured(status) THEN 'HOST_ONLY'
      WHEN id IN (FROM twice) THEN 'DUPLICATE_CHARGE'
      WHEN id IN (SELECT id FROM completion WHERE nth > 1) THEN 'COMPLETION_DUPLICATE'
      ELSE 'HOST_ONLY' END AS code
  FROM left_a JOIN numbered USING (id)
  WHERE status <> 'DECLINED';
INSERT INTO breaks
  SELECT code, row_key, amount_minor, effect, 0,
    CASE WHEN coalesce(seen.until < "at", false) OR today <= due.grace_day THEN 1 ELSE 0 END
  FROM alone_a CROSS JOIN today LEFT JOIN due USING (channel, day)
    LEFT JOIN seen USING (merchant_no, terminal_no);
CREATE TABLE alone_t AS
  SELECT left_t.*, money(txn, amount_minor) AS t_money, c.day IS NOT NULL AS covered
  FROM left_t
    LEFT JOIN (SELECT DISTINCT party, channel, day FROM coverage WHERE leg = 'acquirer') c
    ON c.party = left_t.merchant_no AND c.channel = left_t.channel AND c.day = left_t.day
  WHERE status = 'APPROVED';
INSERT INTO breaks
  SELECT CASE txn
      WHEN 'VOID' THEN 'VOID_NOT_APPLIED' WHEN 'COMPLETION_VOID' THEN 'VOID_NOT_APPLIED'
      WHEN 'PREAUTH_CANCEL' THEN 'PREAUTH_NOT_RELEASED' ELSE 'TERMINAL_ONLY' END,
    named(merchant_no, terminal_no, batch, stan, 1), amount_minor, -t_money, 0,
    CASE WHEN today <= due.grace_day THEN 1 ELSE 0 END
  FROM alone_t CROSS JOIN today LEFT JOIN due USING (channel, day)
  WHERE covered;

-- How a row of the acquirer is called, for what is wrong with it besides.
CREATE VIEW called AS
  SELECT a_id AS id, named(merchant_no, terminal_no, batch, stan, 1) AS row_key, 1 AS paired
  FROM pairs
  UNION ALL SELECT id, row_key, 0 FROM alone_a;
INSERT INTO breaks
  SELECT 'COMPLETION_DUPLICATE', row_key, amount_minor, 0, 0, 0
  FROM completion JOIN called USING (id)
  WHERE nth > 1 AND paired = 1 AND id NOT IN (SELECT a_id FROM judged);
INSERT INTO breaks
  SELECT 'PREAUTH_OVER', row_key, together - held * 115 // 100, 0, 0, 0
  FROM completion JOIN called USING (id)
  WHERE together > held * 115 // 100 AND together - amount_minor <= held * 115 // 100;
INSERT INTO breaks
  SELECT 'PREAUTH_EXPIRED', row_key, amount_minor, 0, 0, 0
  FROM held JOIN called USING (id) CROSS JOIN today
  WHERE txn = 'PREAUTH' AND today - held.day > 30
    AND id NOT IN (SELECT hold FROM ended WHERE hold IS NOT NULL);
INSERT INTO breaks
  SELECT 'FEE_DIFFERS',
    -- A key that comes again on another day says its day.
    CASE row_number() OVER (PARTITION BY row_key ORDER BY day)
      WHEN 1 THEN row_key ELSE concat_ws('|', row_key, day) END,
    abs(fee_minor - expected), 0, 0, 0
  FROM (SELECT a.id, day, fee_minor,
      CASE WHEN money(txn, 1) > 0 THEN fee WHEN refund_back = 1 THEN -fee ELSE 0 END AS expected
    FROM (SELECT a.id, a.day, a.txn, a.fee_minor, p.refund_back,
        CASE WHEN cap_minor > 0 AND share > cap_minor THEN cap_minor ELSE share END AS fee
      FROM (SELECT id, merchant_no, channel, day, txn, fee_minor, amount_minor FROM acquirer
            WHERE status = 'CAPTURED' AND fee_minor IS NOT NULL AND txn <> 'FEE') a
        JOIN fee_plans p ON p.merchant_no = a.merchant_no AND p.channel = a.channel
          AND a.day >= p.valid_from AND a.day < p.valid_to,
        LATERAL (SELECT (a.amount_minor * rate_ppm + 500000) // 1000000 + fixed_minor AS share)
    ) a)
    JOIN called USING (id)
  WHERE fee_minor <> expected;
INSERT INTO breaks
  SELECT 'SELF_SWIPE', named(merchant_no, terminal_no, batch, stan, 1), amount_minor, 0, 0, 0
  FROM terminal SEMI JOIN own_cards USING (merchant_no, token)
  WHERE status = 'APPROVED' AND takes(txn) AND token <> '';
INSERT INTO breaks
  SELECT DISTINCT 'CLOCK_SKEW', concat_ws('|', merchant_no, terminal_no, 'CLOCK', day), 0, 0, 0, 0
  FROM pairs WHERE t_at > 0 AND a_at > 0 AND abs(t_at - a_at) > 600;
INSERT INTO breaks
  SELECT code, device_id || '|' || first_seq, 0, 0, 0, 0 FROM gaps;
INSERT INTO breaks
  SELECT 'STATEMENT_MISSING', concat_ws('|', w.party, w.channel, w.leg, w.day),
    CASE w.leg WHEN 'acquirer' THEN coalesce(amount, 0) ELSE 0 END,
    CASE w.leg WHEN 'acquirer' THEN -coalesce(total, 0) ELSE 0 END, 0, 0
  FROM today, wanted w ANTI JOIN coverage c
      ON c.leg = w.leg AND c.party = w.party AND c.channel = w.channel AND c.day = w.day
    LEFT JOIN (SELECT merchant_no, channel, day, sum(t_money)::BIGINT AS total,
                 sum(abs(t_money))::BIGINT AS amount
               FROM alone_t WHERE NOT covered GROUP BY ALL) x
      ON x.merchant_no = w.merchant_no AND x.channel = w.channel AND x.day = w.day
  WHERE today > w.due_day;

-- Payouts: what is settled together, and what the bank has booked of it.
CREATE TABLE payout AS
  SELECT g.*, pay_day, late_day,
    concat_ws('|', merchant_no, g.channel,
      CASE WHEN ref <> '' THEN ref ELSE g.settle_day::VARCHAR END, 'PAYOUT') AS row_key
  FROM (
    SELECT a.merchant_no, a.channel, a.settle_ref AS ref,
      CASE WHEN a.settle_day > 0 THEN a.settle_day ELSE due.settle_day END AS settle_day,
      sum(total)::BIGINT AS net
    FROM (SELECT merchant_no, channel, settle_ref, settle_day, day,
            sum(money(txn, amount_minor) - coalesce(fee_minor, 0)) AS total
          FROM acquirer WHERE status = 'CAPTURED' GROUP BY ALL) a
      LEFT JOIN due ON due.channel = a.channel AND due.day = a.day
    GROUP BY ALL) g
  LEFT JOIN pay_due p ON p.channel = g.channel AND p.settle_day = g.settle_day;
CREATE TABLE paid AS
  SELECT b.id AS b_id, p.row_key, b.amount_minor AS amount
  FROM bank b JOIN payout p ON p.ref = b.ref AND p.channel = b.channel AND b.ref <> '';
CREATE TABLE awaited AS
  SELECT p.*, a.account FROM payout p
    JOIN (SELECT DISTINCT merchant_no, channel, account FROM accounts) a
    USING (merchant_no, channel)
  WHERE ref = '';
CREATE TABLE booked AS
  SELECT * FROM bank ANTI JOIN paid ON b_id = id WHERE channel <> '' AND amount_minor <> 0;
INSERT INTO paid
  SELECT b.id, p.row_key, b.amount_minor
  FROM booked b JOIN awaited p
    ON p.account = b.account AND p.channel = b.channel AND abs(b.amount_minor) = p.net
  WHERE b.day BETWEEN p.settle_day AND p.late_day + 5;
CREATE TABLE bundle AS
  SELECT merchant_no, channel, account, pay_day, sum(net)::BIGINT AS net,
    max(settle_day) AS settle_day, max(late_day) AS late_day
  FROM awaited ANTI JOIN paid USING (row_key) GROUP BY ALL HAVING count(*) > 1;
INSERT INTO paid
  SELECT b.id, p.row_key, p.net
  FROM (FROM booked ANTI JOIN paid ON b_id = id) b JOIN bundle g
      ON g.account = b.account AND g.channel = b.channel AND g.net = b.amount_minor
    JOIN (FROM awaited ANTI JOIN paid USING (row_key)) p
      ON p.merchant_no = g.merchant_no AND p.channel = g.channel AND p.pay_day = g.pay_day
        AND p.account = g.account
  WHERE b.day BETWEEN g.settle_day AND g.late_day + 5;
CREATE TABLE come AS
  SELECT p.row_key, p.merchant_no, p.channel, p.net, p.late_day,
    coalesce(sum(paid.amount), 0)::BIGINT AS got,
    count(*) FILTER (b.kind <> 'RETURN') AS credits,
    count(*) FILTER (b.kind = 'RETURN') AS returns,
    min(b.day) FILTER (b.kind <> 'RETURN') AS first_day,
    sum(paid.amount) FILTER (standing = 'OLD' AND b.kind = 'CREDIT') AS old,
    sum(paid.amount) FILTER (standing = 'WRONG' AND b.kind = 'CREDIT') AS wrong
  FROM payout p LEFT JOIN paid USING (row_key) LEFT JOIN bank b ON b.id = paid.b_id
    LEFT JOIN LATERAL (
      SELECT CASE
          WHEN count(*) FILTER (a.valid_from <= b.day AND b.day < a.valid_to) > 0 THEN 'VALID'
          WHEN count(*) FILTER (a.valid_to <= b.day) > 0 THEN 'OLD' ELSE 'WRONG' END AS standing
      FROM accounts a
      WHERE a.merchant_no = p.merchant_no AND a.channel = p.channel AND a.account = b.account) s
      ON true
  GROUP BY ALL;
-- Nothing is missing before the statements of the right account have told of the last day.
CREATE TABLE told AS
  SELECT DISTINCT row_key, 1 AS known
  FROM come JOIN accounts a USING (merchant_no, channel) CROSS JOIN today
    JOIN coverage c ON c.leg = 'bank' AND c.party = a.account AND c.day >= come.late_day
  WHERE today > late_day AND late_day >= a.valid_from AND late_day < a.valid_to;
CREATE TABLE announced AS
  SELECT p.row_key, max(CASE WHEN s.status = 'RETURNED' THEN 1 ELSE 0 END) AS returned,
    max(CASE WHEN s.status = 'SENT' AND NOT valid AND before THEN 1 ELSE 0 END) AS old,
    max(CASE WHEN s.status = 'SENT' AND NOT valid AND NOT before THEN 1 ELSE 0 END) AS wrong
  FROM payouts s JOIN payout p ON p.merchant_no = s.merchant_no AND p.channel = s.channel
      AND (p.ref = s.ref AND p.ref <> '' OR p.ref = '' AND p.settle_day = s.settle_day),
    LATERAL (SELECT count(*) FILTER (a.valid_from <= s.day AND s.day < a.valid_to) > 0 AS valid,
               count(*) FILTER (a.valid_to <= s.day) > 0 AS before
             FROM accounts a WHERE a.merchant_no = s.merchant_no AND a.channel = s.channel
               AND a.account = s.account) x
  GROUP BY ALL;
INSERT INTO breaks
  SELECT code, row_key, abs(net - got), 0, net - got, 0
  FROM (SELECT come.*,
      CASE WHEN net > got AND (returns > 0 OR n.returned = 1) THEN 'PAYOUT_RETURNED'
        WHEN net > got AND credits = 0 AND n.old = 1 THEN 'PAYOUT_OLD_ACCOUNT'
        WHEN net > got AND credits = 0 AND n.wrong = 1 THEN 'PAYOUT_WRONG_ACCOUNT'
        WHEN net > got AND known = 1 AND credits = 0 THEN 'PAYOUT_MISSING'
        WHEN net > got AND known = 1 THEN 'PAYOUT_SHORT'
        WHEN net < got THEN 'PAYOUT_OVER' END AS code
    FROM come LEFT JOIN announced n USING (row_key) LEFT JOIN told USING (row_key))
  WHERE code IS NOT NULL
  UNION ALL
  SELECT 'PAYOUT_LATE', row_key, abs(net), 0, 0, 0 FROM come WHERE first_day > late_day
  UNION ALL
  SELECT 'PAYOUT_OLD_ACCOUNT', row_key, old, 0, 0, 0 FROM come WHERE old > 0
  UNION ALL
  SELECT 'PAYOUT_WRONG_ACCOUNT', row_key, wrong, 0, 0, 0 FROM come WHERE wrong > 0
  UNION ALL
  SELECT 'PAYOUT_OVER',
    concat_ws('|', 'BANK', account, b.day, ref, amount_minor,
      row_number() OVER (PARTITION BY account, b.day, ref, amount_minor ORDER BY id)),
    abs(amount_minor), 0, -amount_minor, 0
  FROM today, bank b ANTI JOIN paid ON b_id = id
  WHERE channel <> '' AND amount_minor <> 0 AND today > b.day + 5;
