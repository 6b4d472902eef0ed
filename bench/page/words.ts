/** What the page says that is no figure. */

export const introduction = `# Performance

<!-- Written by \`npm run bench:page\` from bench/results/*.json. Change bench/page/, not this file. -->

What a durable refresh-token rotation costs in Pawl, beside the least it could cost and beside other authorization
servers for Node.js. Every figure is a median of laps that were ridden in turn in one run; ratios are taken within a
round, then the median of the rounds. How it is measured is told in [bench/README.md](../bench/README.md).`

export const contenders = `## What is compared

All do the same work: a confidential client authenticates with a secret in every request, its refresh token is rotated, an
access token is signed as an ES256 JWT, and the answer is given after the store has flushed the rotation. All run in one
process unless their name ends in \`-2\`, on Node's defaults, over HTTP/1.1 connections that are kept alive. On SQLite:
\`node:sqlite\`, WAL, \`synchronous = FULL\`. On PostgreSQL: \`pg\` and its pool; the database server shares the machine.
\`npm run bench -- --prove\` proves of each that the old token is dead, the new one works, the JWT verifies, a rotation
takes at least one flush, and what was acknowledged outlives SIGKILL.

| Name | What it is | What it does for a rotation |
| --- | --- | --- |
| \`limit\` | no authorization server: the least that can be done | two HMACs, one signature, one row moved in a group commit (on PostgreSQL one \`UPDATE … FROM unnest()\` for all that wait); no client authentication, lifetimes, users, events |
| \`pawl\` | \`pawl serve\` | one row moved by compare-and-set, in a group commit; reuse ends the grant; no token is stored |
| \`oidc-provider\` | [oidc-provider](https://github.com/panva/node-oidc-provider) | two writes, one after the other: consume the old token, save the new one; reuse ends the grant; tokens are stored by an identifier that is the token itself. The adapters are ours, as fast as its contract lets one be: prepared statements, partial indexes, group commit; \`-plain\` has a transaction for each write |
| \`node-oauth\` | [@node-oauth/oauth2-server](https://github.com/node-oauth/node-oauth2-server) | two writes: delete the old token, insert the new one; storage and signing are its user's, so both are ours: tokens stored as they are, as its documentation has it, group commit (\`-plain\`: a transaction for each write). A spent token is unknown: reuse is not detected and ends nothing |
| \`jmondi\` | [@jmondi/oauth2-server](https://github.com/jasonraimondi/ts-oauth2-server) | three writes, as in its example: expire the old row, insert the new access token's, add the refresh token to it; tokens stored as they are. Its JWT service signs with HS256 and is replaced by one for ES256; its refresh tokens are set to opaque, else each would be a second JWT. Reuse is refused and ends nothing |
| \`better-auth\` | [better-auth](https://www.better-auth.com) with its OAuth provider | two writes without a transaction, and reads of token, user and signing key, which is decrypted each time; client and resource cached, tokens stored hashed; its own handler, driver and migrations. Reuse ends the user's tokens of that client. A JWT only where the request names a resource, as here |

Nothing a peer offers beyond this is switched on. What Pawl does beyond this (lifetimes, cut-offs, retry keys, the record
of recent uses, throttles, events) is on, as an operator has it.`

export const garbage = `The slow requests are not scattered: written down one by one, they come in bursts of 40 to 90 ms, a few in each lap, and the
longest of a lap that was looked at began with a full collection of garbage, one of the server's and one of the
generator's. The server has one about every seven seconds at this load. On two cores that are both half busy with server,
database and generator, the threads that mark beside the main thread take the time from it. The same with marking left to
the main thread (\`--node-flags=--no-concurrent-marking\`):`

export const garbageChoice = `It helps where a database wants the second core and hurts where nobody does, so Pawl sets no such flag.`

export const notMeasured = `## What was not measured

- A network: client, server and database share one machine and its loopback, and the load generator takes its share of
  the cores. On two cores that is much; CPU for each rotation says more than rotations a second.
- A real slow disk. The slowed half adds a millisecond to every \`fsync\`, \`fdatasync\` and waiting \`msync\` or
  \`sync_file_range\` of SQLite's and PostgreSQL's processes by a library in front of the C library; bandwidth and queues of
  a cloud volume are not imitated.
- PostgreSQL with a standby, behind TLS or on a machine of its own.
- Sign-in, consent and the pages; mutual TLS and assertions; ID tokens, which would be a second signature.
- The peers with many families: growth is compared with the limit only.
- Bytes written: on SQLite what the kernel counts as sent to the disk, on PostgreSQL what its processes hand to the
  kernel; work that PostgreSQL does later (checkpoints, vacuum) counts in the lap in which it happens.
- Other machines. What counts here are the ratios of one run.`
