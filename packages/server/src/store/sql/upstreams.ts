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
import type { StoreClock } from './store-clock.ts'

export function sqlUpstreams(sql: Sql, clock: StoreClock): UpstreamStore {
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
      const guard = { text: addText, params: [upstream.id, JSON.stringify(upstream)] }
      return sql.write({ about: aboutUpstream(upstream.id), guard, statements: eventStatements(events) })
    },
    remove: async (id, events) => {
      const guard = { text: 'DELETE FROM upstreams WHERE id = $1', params: [id] }
      const forget = { text: 'DELETE FROM upstream_links WHERE upstream_id = $1', params: [id] }
      return sql.write({ about: aboutUpstream(id), guard, statements: [forget, ...eventStatements(events)] })
    },
    readLink: async (upstreamId, upstreamSubject) => {
      const text = `${linkText} WHERE upstream_id = $1 AND upstream_subject = $2`
      const [row] = await sql.read({ text, params: [upstreamId, upstreamSubject] })
      return row === undefined ? null : linkOf(row)
    },
    linksOf: async subject => {
      const text = `${linkText} WHERE subject = $1 ORDER BY upstream_id, upstream_subject LIMIT $2`
      return (await sql.read({ text, params: [subject, linksPerUserMax] })).map(linkOf)
    },
    link: async ({ upstreamId, upstreamSubject, subject, createdAtMs }, events) => {
      const guard = { text: addLinkText, params: [upstreamId, upstreamSubject, subject, createdAtMs, linksPerUserMax] }
      return sql.write({ about: aboutLinks(subject), guard, statements: eventStatements(events) })
    },
    unlink: async ({ upstreamId, upstreamSubject, subject }, ends, events) => {
      const guard = { text: removeLinkText, params: [upstreamId, upstreamSubject, subject] }
      const statements = [...endStatements(subject, ends, clock), ...eventStatements(events)]
      return sql.write({ about: aboutLinks(subject), guard, statements })
    },
    keepAttempt: async ({ id, sealed, expiresAtMs }) => {
      const text = 'INSERT INTO upstream_attempts (id, sealed, expires_ms) VALUES ($1, $2, $3)'
      await sql.write(always([{ text, params: [id, sealed, expiresAtMs] }]))
    },
    takeAttempt: async id => {
      const text = 'DELETE FROM upstream_attempts WHERE id = $1 RETURNING id, sealed, expires_ms'
      const [row] = await sql.writeReturning({ text, params: [id] })
      return row === undefined ? null : attemptOf(row)
    },
  }
}

const addText = 'INSERT INTO upstreams (id, document) VALUES ($1, $2) ON CONFLICT DO NOTHING'
const linkText = 'SELECT upstream_id, upstream_subject, subject, created_ms FROM upstream_links'
const addLinkText = `INSERT INTO upstream_links (upstream_id, upstream_subject, subject, created_ms)
SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM upstream_links WHERE subject = $3) < $5
AND EXISTS (SELECT 1 FROM upstreams WHERE id = $1) ON CONFLICT DO NOTHING`
const removeLinkText = 'DELETE FROM upstream_links WHERE upstream_id = $1 AND upstream_subject = $2 AND subject = $3'

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
