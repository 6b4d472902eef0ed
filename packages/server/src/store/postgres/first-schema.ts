/**
 * The schema that every database began with. Types and physical layout are PostgreSQL's; the names are those of every
 * engine. Texts compare byte by byte, whatever the locale of the database. No index stands on anything that moves with a
 * refresh, and pages of `families` keep room, so that a rotation writes its new row beside the old one and touches no
 * index (heap-only tuples).
 */

export const initial = `
CREATE TABLE store_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  high_ms BIGINT NOT NULL,
  interruptions TEXT COLLATE "C" NOT NULL,
  batch_id TEXT COLLATE "C" NOT NULL
) WITH (fillfactor = 10);
INSERT INTO store_clock (id, high_ms, interruptions, batch_id) VALUES (1, 0, '', '');

CREATE TABLE counters (name TEXT COLLATE "C" PRIMARY KEY, value BIGINT NOT NULL) WITH (fillfactor = 10);
INSERT INTO counters (name, value) VALUES ('epoch', 0), ('signing_keys', 0), ('refusals', 0);

CREATE TABLE settings (name TEXT COLLATE "C" PRIMARY KEY, value BYTEA NOT NULL);

CREATE TABLE families (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  step_id TEXT COLLATE "C" NOT NULL,
  state BYTEA NOT NULL,
  binding TEXT COLLATE "C",
  ended_ms BIGINT,
  end_reason TEXT COLLATE "C",
  end_by TEXT COLLATE "C",
  seed BYTEA NOT NULL,
  grant_id TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C",
  session_id TEXT COLLATE "C",
  created_ms BIGINT NOT NULL,
  absolute_expires_ms BIGINT NOT NULL,
  refreshable INTEGER NOT NULL,
  redeem_seconds INTEGER NOT NULL,
  idle_seconds INTEGER NOT NULL,
  opening TEXT COLLATE "C" NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX families_of_client ON families (client_id, id);
CREATE INDEX families_of_user ON families (subject, client_id, id) WHERE subject IS NOT NULL;
CREATE INDEX families_of_session ON families (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX branches_of_grant ON families (grant_id) WHERE grant_id <> id;

CREATE TABLE cut_offs (
  kind TEXT COLLATE "C" NOT NULL,
  target_key TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  set_by TEXT COLLATE "C" NOT NULL,
  set_at_ms BIGINT NOT NULL,
  PRIMARY KEY (kind, target_key)
);
CREATE INDEX cut_offs_by_time ON cut_offs (at_ms);

CREATE TABLE clients (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  document TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  added_ms BIGINT NOT NULL
);

CREATE TABLE client_origins (
  client_id TEXT COLLATE "C" NOT NULL,
  origin TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (client_id, origin)
);
CREATE INDEX client_origins_by_origin ON client_origins (origin);

CREATE TABLE users (
  subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  email_key TEXT COLLATE "C" NOT NULL UNIQUE,
  email TEXT COLLATE "C" NOT NULL,
  email_verified INTEGER NOT NULL,
  password_hash TEXT COLLATE "C" NOT NULL,
  claims TEXT COLLATE "C" NOT NULL,
  disabled INTEGER NOT NULL,
  created_ms BIGINT NOT NULL,
  version BIGINT NOT NULL
);

CREATE TABLE sessions (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
  subject TEXT COLLATE "C" NOT NULL,
  auth_time_ms BIGINT NOT NULL,
  acr TEXT COLLATE "C" NOT NULL,
  amr TEXT COLLATE "C" NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX sessions_by_end ON sessions (expires_ms);

CREATE TABLE consents (
  subject TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  scope TEXT COLLATE "C" NOT NULL,
  given_ms BIGINT NOT NULL,
  PRIMARY KEY (subject, client_id, scope)
);

CREATE TABLE throttles (
  throttle_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  charges BIGINT NOT NULL,
  window_ends_ms BIGINT NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX throttles_by_end ON throttles (window_ends_ms);

CREATE TABLE signing_keys (
  kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  algorithm TEXT COLLATE "C" NOT NULL,
  sealed_private_key BYTEA NOT NULL,
  public_jwk TEXT COLLATE "C" NOT NULL,
  created_ms BIGINT NOT NULL,
  signs_from_ms BIGINT NOT NULL,
  verifies_until_ms BIGINT
);

CREATE TABLE denied_access_tokens (id TEXT COLLATE "C" NOT NULL PRIMARY KEY, expires_ms BIGINT NOT NULL);
CREATE INDEX denied_access_tokens_by_end ON denied_access_tokens (expires_ms);

CREATE TABLE events (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  request_id TEXT COLLATE "C",
  family_id TEXT COLLATE "C",
  client_id TEXT COLLATE "C",
  subject TEXT COLLATE "C",
  session_id TEXT COLLATE "C",
  detail TEXT COLLATE "C" NOT NULL,
  times BIGINT NOT NULL,
  last_at_ms BIGINT NOT NULL
);
CREATE INDEX events_by_time ON events (at_ms, id);
CREATE INDEX events_of_family ON events (family_id, at_ms, id) WHERE family_id IS NOT NULL;
CREATE INDEX events_of_request ON events (request_id, at_ms, id) WHERE request_id IS NOT NULL;

CREATE TABLE refusals (
  slot INTEGER PRIMARY KEY,
  request_id TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  code TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C",
  family_id TEXT COLLATE "C",
  generation BIGINT,
  address TEXT COLLATE "C" NOT NULL
);
CREATE INDEX refusals_of_request ON refusals (request_id);
CREATE INDEX refusals_by_time ON refusals (at_ms);
`
