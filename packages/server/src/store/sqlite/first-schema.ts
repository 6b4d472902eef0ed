/** The schema that every file began with. */

export const initial = `
CREATE TABLE schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;
INSERT INTO schema_version (id, version) VALUES (1, 0);

CREATE TABLE store_clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  high_ms INTEGER NOT NULL,
  interrupted_ms INTEGER,
  resumed_ms INTEGER,
  batch_id TEXT NOT NULL
) STRICT;
INSERT INTO store_clock (id, high_ms, batch_id) VALUES (1, 0, '');

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('epoch', 0), ('signing_keys', 0), ('refusals', 0);

CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;

CREATE TABLE families (
  id TEXT NOT NULL PRIMARY KEY,
  step_id TEXT NOT NULL,
  state BLOB NOT NULL,
  binding TEXT,
  ended_ms INTEGER,
  end_reason TEXT,
  end_by TEXT,
  seed BLOB NOT NULL,
  grant_id TEXT NOT NULL,
  client_id TEXT NOT NULL,
  subject TEXT,
  session_id TEXT,
  created_ms INTEGER NOT NULL,
  absolute_expires_ms INTEGER NOT NULL,
  refreshable INTEGER NOT NULL,
  redeem_seconds INTEGER NOT NULL,
  idle_seconds INTEGER NOT NULL,
  opening TEXT NOT NULL
) STRICT;
CREATE INDEX families_of_client ON families (client_id, id);
CREATE INDEX families_of_user ON families (subject, client_id, id) WHERE subject IS NOT NULL;
CREATE INDEX families_of_session ON families (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX branches_of_grant ON families (grant_id) WHERE grant_id <> id;

CREATE TABLE cut_offs (
  kind TEXT NOT NULL,
  target_key TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  set_by TEXT NOT NULL,
  set_at_ms INTEGER NOT NULL,
  PRIMARY KEY (kind, target_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX cut_offs_by_time ON cut_offs (at_ms);

CREATE TABLE clients (
  id TEXT NOT NULL PRIMARY KEY,
  document TEXT NOT NULL,
  version INTEGER NOT NULL,
  added_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE client_origins (
  client_id TEXT NOT NULL,
  origin TEXT NOT NULL,
  PRIMARY KEY (client_id, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_origins_by_origin ON client_origins (origin);

CREATE TABLE users (
  subject TEXT NOT NULL PRIMARY KEY,
  email_key TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL,
  email_verified INTEGER NOT NULL,
  password_hash TEXT NOT NULL,
  claims TEXT NOT NULL,
  disabled INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  secret_hash TEXT NOT NULL UNIQUE,
  subject TEXT NOT NULL,
  auth_time_ms INTEGER NOT NULL,
  acr TEXT NOT NULL,
  amr TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_end ON sessions (expires_ms);

CREATE TABLE consents (
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  scope TEXT NOT NULL,
  given_ms INTEGER NOT NULL,
  PRIMARY KEY (subject, client_id, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE throttles (
  throttle_key TEXT NOT NULL PRIMARY KEY,
  charges INTEGER NOT NULL,
  window_ends_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_by_end ON throttles (window_ends_ms);

CREATE TABLE signing_keys (
  kid TEXT NOT NULL PRIMARY KEY,
  algorithm TEXT NOT NULL,
  sealed_private_key BLOB NOT NULL,
  public_jwk TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  signs_from_ms INTEGER NOT NULL,
  verifies_until_ms INTEGER
) STRICT;

CREATE TABLE denied_access_tokens (id TEXT NOT NULL PRIMARY KEY, expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX denied_access_tokens_by_end ON denied_access_tokens (expires_ms);

CREATE TABLE events (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  request_id TEXT,
  family_id TEXT,
  client_id TEXT,
  subject TEXT,
  session_id TEXT,
  detail TEXT NOT NULL,
  times INTEGER NOT NULL,
  last_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at_ms, id);
CREATE INDEX events_of_family ON events (family_id, at_ms, id) WHERE family_id IS NOT NULL;
CREATE INDEX events_of_request ON events (request_id, at_ms, id) WHERE request_id IS NOT NULL;

CREATE TABLE refusals (
  slot INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  client_id TEXT,
  family_id TEXT,
  generation INTEGER,
  address TEXT NOT NULL
) STRICT;
CREATE INDEX refusals_of_request ON refusals (request_id);
CREATE INDEX refusals_by_time ON refusals (at_ms);
`
