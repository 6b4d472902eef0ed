/**
 * The schema, forward only: each migration is applied once, in a transaction of its own, and never edited afterwards.
 * Types and physical layout are PostgreSQL's; the names are those of every engine. Texts compare byte by byte, whatever
 * the locale of the database. No index stands on anything that moves with a refresh, and pages of `families` keep room,
 * so that a rotation writes its new row beside the old one and touches no index (heap-only tuples).
 */

const initial = `
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
CREATE INDEX branches_of_grant ON families (grant_id, id) WHERE grant_id <> id;

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

/** What may be shown once, kept for as long as it would be good. */
const marks = `
CREATE TABLE marks (id TEXT COLLATE "C" NOT NULL PRIMARY KEY, expires_ms BIGINT NOT NULL);
CREATE INDEX marks_by_end ON marks (expires_ms);
`

/** Authorization requests that wait for their browser, or are too long to ride in it. */
const pushedRequests = `
CREATE TABLE pushed_requests (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  client_id TEXT COLLATE "C" NOT NULL,
  request TEXT COLLATE "C" NOT NULL,
  opens_until_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX pushed_requests_by_end ON pushed_requests (expires_ms);
`

/** What people show besides a password, and the one session that a change of it spares. */
const credentials = `
CREATE TABLE totps (
  subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  sealed_key BYTEA NOT NULL,
  last_step BIGINT NOT NULL,
  created_ms BIGINT NOT NULL
);
CREATE TABLE recovery_codes (
  subject TEXT COLLATE "C" NOT NULL,
  code_hash TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (subject, code_hash)
);
CREATE TABLE passkeys (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  subject TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  public_key BYTEA NOT NULL,
  counter BIGINT NOT NULL,
  transports TEXT COLLATE "C" NOT NULL,
  created_ms BIGINT NOT NULL,
  used_ms BIGINT
);
CREATE INDEX passkeys_of_user ON passkeys (subject);
CREATE INDEX sessions_of_user ON sessions (subject);
ALTER TABLE sessions ADD COLUMN address TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN agent TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE cut_offs ADD COLUMN spared_session TEXT COLLATE "C" NOT NULL DEFAULT '';
`

/** Clients that came by themselves, and the tokens that let them in. */
const registrations = `
CREATE TABLE registered_clients (
  client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  kept_until_ms BIGINT NOT NULL
);
CREATE INDEX registered_clients_by_end ON registered_clients (kept_until_ms);
CREATE TABLE registration_tokens (
  name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  secret_hash TEXT COLLATE "C" NOT NULL UNIQUE,
  document TEXT COLLATE "C" NOT NULL,
  uses_left BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL
);
CREATE INDEX registration_tokens_by_end ON registration_tokens (expires_ms);
`

/** The APIs that access tokens are meant for. */
const resources = `
CREATE TABLE resources (
  indicator TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  audience TEXT COLLATE "C" NOT NULL,
  document TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX resources_of_audience ON resources (audience, indicator);
`

/** What may be asked for in authorization details. */
const detailsTypes = `
CREATE TABLE details_types (
  type TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  document TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL
);
`

/** Devices that wait for a person. Each poll writes the row anew, and finds room beside the old one. */
const deviceRequests = `
CREATE TABLE device_requests (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  client_id TEXT COLLATE "C" NOT NULL,
  seed BYTEA NOT NULL,
  key_id INTEGER NOT NULL,
  user_code_key TEXT COLLATE "C" NOT NULL UNIQUE,
  asked TEXT COLLATE "C" NOT NULL,
  claimed_by TEXT COLLATE "C",
  decision TEXT COLLATE "C" NOT NULL,
  interval_seconds BIGINT NOT NULL,
  next_poll_ms BIGINT NOT NULL,
  created_ms BIGINT NOT NULL,
  expires_ms BIGINT NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX device_requests_by_end ON device_requests (expires_ms);
`

/** What others must be told: notices of what happened, and what became of telling each of them. */
const outbox = `
CREATE TABLE notices (
  kind TEXT COLLATE "C" NOT NULL,
  target_key TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  after_family TEXT COLLATE "C",
  version BIGINT NOT NULL,
  PRIMARY KEY (kind, target_key)
);
CREATE INDEX notices_by_time ON notices (at_ms);
CREATE TABLE deliveries (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  channel TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  session_id TEXT COLLATE "C",
  reason TEXT COLLATE "C" NOT NULL,
  created_ms BIGINT NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  attempts BIGINT NOT NULL,
  next_ms BIGINT NOT NULL,
  last_ms BIGINT,
  last_result TEXT COLLATE "C"
);
CREATE INDEX deliveries_by_next ON deliveries (state, next_ms);
CREATE INDEX deliveries_by_time ON deliveries (created_ms);
`

/** Other OpenID providers, who of theirs is who of ours, and who is on the way. */
const upstreams = `
CREATE TABLE upstreams (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  document TEXT COLLATE "C" NOT NULL,
  added_ms BIGINT NOT NULL
);
CREATE TABLE upstream_links (
  upstream_id TEXT COLLATE "C" NOT NULL,
  upstream_subject TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  created_ms BIGINT NOT NULL,
  PRIMARY KEY (upstream_id, upstream_subject)
);
CREATE INDEX upstream_links_of_user ON upstream_links (subject);
CREATE TABLE upstream_attempts (
  id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  sealed TEXT COLLATE "C" NOT NULL,
  expires_ms BIGINT NOT NULL
);
CREATE INDEX upstream_attempts_by_end ON upstream_attempts (expires_ms);
`

/** Places of families in the lists of status, and cut-offs by when they were set. */
const statusEntries = `
CREATE TABLE status_entries (
  family_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  idx BIGINT NOT NULL UNIQUE,
  until_ms BIGINT NOT NULL
);
CREATE INDEX status_entries_by_end ON status_entries (until_ms);
CREATE INDEX cut_offs_by_setting ON cut_offs (set_at_ms);
`

export const migrations: readonly string[] = [
  initial,
  marks,
  pushedRequests,
  credentials,
  registrations,
  resources,
  detailsTypes,
  deviceRequests,
  outbox,
  upstreams,
  statusEntries,
]
