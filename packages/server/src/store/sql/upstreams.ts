/** Upstream providers, who of theirs is who of ours, and who is on the way. */

import type { Subject } from '@pawl/family'
import {
  linksPerUserMax,
  type Upstream,
  type UpstreamAttempt,
  type UpstreamLink,
  type UpstreamStore,
} from '../../domain/upstream/upstream.ts'
import { endStatements } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { always, numberAt, type Row, type Sql, textAt } from './sql.ts'
import { type StoreClock, touchText } from './store-clock.ts'
import { aboutUser, addUserStatement } from './users.ts'

export function sqlUpstreams(sql: Sql, clock: StoreClock): UpstreamStore {
  return { ...providerVerbs(sql), ...linkVerbs(sql, clock), ...attemptVerbs(sql) }
}

function providerVerbs(sql: Sql): Pick<UpstreamStore, 'read' | 'list' | 'add' | 'remove'> {
  return {
    read: async id => {
      const [row] = await sql.read({ text: 'SELECT document FROM upstreams WHERE id = $1', params: [id] })
      return row === undefined ? null : upstreamOf(row)
    },
    list: async limit => {
      const rows = await sql.read({ text: 'SELECT document FROM upstreams ORDER BY id LIMIT $1', params: [limit] })
      return rows.map(upstreamOf)
    },
    add: async (upstream, events) => {
      const guard = { text: addText, params: [upstream.id, JSON.stringify(upstream), upstream.createdAtMs] }
      return sql.write({ about: aboutUpstream(upstream.id), guard, statements: eventStatements(events) })
    },
    remove: async (id, events) => {
      const guard = { text: 'DELETE FROM upstreams WHERE id = $1', params: [id] }
      const outcome = await sql.write({ about: aboutUpstream(id), guard, statements: eventStatements(events) })
      // Also where it was gone: whoever asks again finishes what was broken off.
      await forgetLinks(sql, id)
      return outcome
    },
  }
}

type LinkVerb = 'readLink' | 'linksOf' | 'link' | 'addUser' | 'unlink'

function linkVerbs(sql: Sql, clock: StoreClock): Pick<UpstreamStore, LinkVerb> {
  return {
    readLink: async (upstreamId, upstreamSubject) => {
      const text = `${linkText} AND l.upstream_id = $1 AND l.upstream_subject = $2`
      const [row] = await sql.read({ text, params: [upstreamId, upstreamSubject] })
      return row === undefined ? null : linkOf(row)
    },
    linksOf: async subject => {
      const text = `${linkText} AND l.subject = $1 ORDER BY l.upstream_id, l.upstream_subject LIMIT $2`
      return (await sql.read({ text, params: [subject, linksPerUserMax] })).map(linkOf)
    },
    link: async ({ upstreamId, upstreamSubject, subject, createdAtMs }, events) => {
      const guard = { text: addLinkText, params: [upstreamId, upstreamSubject, subject, createdAtMs, linksPerUserMax] }
      return sql.write({ about: aboutLinks(subject), guard, statements: eventStatements(events) })
    },
    addUser: async (user, { upstreamId, upstreamSubject, subject, createdAtMs }, events) => {
      const first = { text: firstLinkText, params: [upstreamId, upstreamSubject, subject, createdAtMs] }
      const guard = addUserStatement(user)
      return sql.write({ about: aboutUser(subject), guard, statements: [first, ...eventStatements(events)] })
    },
    unlink: async ({ upstreamId, subject }, ends, events) => {
      const params = [upstreamId, subject]
      const none = { text: unlinkedText, params }
      if ((await sql.write({ about: null, guard: none, statements: [] })) === 'done') return 'moved'
      const ended = endStatements(subject, ends, clock)
      await sql.write(always([{ text: unlinkText, params }, ...ended, ...eventStatements(events)]))
      return 'done'
    },
  }
}

function attemptVerbs(sql: Sql): Pick<UpstreamStore, 'keepAttempt' | 'takeAttempt'> {
  return {
    keepAttempt: async ({ id, sealed, expiresAtMs }) => {
      const text = 'INSERT INTO upstream_attempts (id, sealed, expires_ms) VALUES ($1, $2, $3)'
      await sql.write(always([{ text, params: [id, sealed, expiresAtMs] }]))
    },
    takeAttempt: async id => {
      const params = [id]
      // Whoever makes them up costs a read, and no write on the disk that everybody shares.
      const [known] = await sql.read({ text: 'SELECT id FROM upstream_attempts WHERE id = $1', params })
      if (known === undefined) return null
      const text = 'DELETE FROM upstream_attempts WHERE id = $1 RETURNING id, sealed, expires_ms'
      const [row] = await sql.writeReturning({ text, params })
      return row === undefined ? null : attemptOf(row)
    },
  }
}

const addText = 'INSERT INTO upstreams (id, document, added_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'

/** What was linked to a provider that is gone is no link to another that takes its id. */
const linkText = `SELECT l.upstream_id, l.upstream_subject, l.subject, l.created_ms FROM upstream_links l, upstreams u
WHERE u.id = l.upstream_id AND l.created_ms >= u.added_ms`

/** A link of before, to another provider of that id, gives way. */
const placeText = `ON CONFLICT (upstream_id, upstream_subject) DO UPDATE SET subject = excluded.subject,
created_ms = excluded.created_ms
WHERE upstream_links.created_ms < (SELECT added_ms FROM upstreams WHERE id = excluded.upstream_id)`

/** The bound stands in the statement itself. Where several are added at the same moment, PostgreSQL may pass it by those. */
const addLinkText = `INSERT INTO upstream_links (upstream_id, upstream_subject, subject, created_ms)
SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM upstream_links WHERE subject = $3) < $5
AND EXISTS (SELECT 1 FROM upstreams WHERE id = $1 AND added_ms <= $4) ${placeText}`

/** Somebody new has no other link yet. */
const firstLinkText = `INSERT INTO upstream_links (upstream_id, upstream_subject, subject, created_ms)
SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM upstreams WHERE id = $1 AND added_ms <= $4) ${placeText}`

const unlinkText = 'DELETE FROM upstream_links WHERE upstream_id = $1 AND subject = $2'
const unlinkedText = `${touchText} AND NOT EXISTS (SELECT 1 FROM upstream_links WHERE upstream_id = $1 AND subject = $2)`

/** Those of before, where the id has been taken again meanwhile. */
const forgetLinksText = `DELETE FROM upstream_links WHERE (upstream_id, upstream_subject) IN
(SELECT l.upstream_id, l.upstream_subject FROM upstream_links l WHERE l.upstream_id = $1
AND l.created_ms < COALESCE((SELECT added_ms FROM upstreams WHERE id = $1), $2)
ORDER BY l.upstream_id, l.upstream_subject LIMIT $3) RETURNING subject`
/** Of one statement: a provider may have as many links as there are people. */
const forgottenTogether = 512

async function forgetLinks(sql: Sql, id: string): Promise<void> {
  const params = [id, Number.MAX_SAFE_INTEGER, forgottenTogether]
  for (;;) {
    const forgotten = await sql.writeReturning({ text: forgetLinksText, params })
    if (forgotten.length < forgottenTogether) return
  }
}

function aboutUpstream(id: string): string {
  return `upstream ${id}`
}

function aboutLinks(subject: Subject): string {
  return `upstream links ${subject}`
}

function upstreamOf(row: Row): Upstream {
  return JSON.parse(textAt(row, 0)) as Upstream
}

function linkOf(row: Row): UpstreamLink {
  return {
    upstreamId: textAt(row, 0),
    upstreamSubject: textAt(row, 1),
    subject: textAt(row, 2) as Subject,
    createdAtMs: numberAt(row, 3),
  }
}

function attemptOf(row: Row): UpstreamAttempt {
  return { id: textAt(row, 0), sealed: textAt(row, 1), expiresAtMs: numberAt(row, 2) }
}
