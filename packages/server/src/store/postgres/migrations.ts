/**
 * The schema, forward only: each migration is applied once, in a transaction of its own, and never edited afterwards.
 */

import { revocationsSoFar } from '../sql/revocations-so-far.ts'
import { initial } from './first-schema.ts'

/** What may be shown once, kept for as long as it would be good. */
const marks = `
CREATE TABLE marks (id TEXT COLLATE "C" NOT NULL PRIMARY KEY, expires_ms BIGINT NOT NULL);
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

/** The families of a grant are read in the order of their ids, a page at a time. */
const branchesInOrder = `
DROP INDEX branches_of_grant;
CREATE INDEX branches_of_grant ON families (grant_id, id) WHERE grant_id <> id;
`

/** What has been revoked lately, for those who follow the feed; with what was in the hours before there was one. */
const revocations = `
CREATE TABLE revocations (
  kind TEXT COLLATE "C" NOT NULL,
  target_key TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL,
  until_ms BIGINT NOT NULL,
  place BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, target_key, at_ms)
);
CREATE INDEX revocations_by_place ON revocations (place);
CREATE INDEX revocations_by_end ON revocations (until_ms);
${revocationsSoFar}`

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
  branchesInOrder,
  revocations,
]
