/** A resource server that follows the revocation feed, as docs/protocol.md tells it to and no further. */

import assert from 'node:assert/strict'
import { decodeJwt } from 'jose'
import type { FeedDocument, FeedEntry } from '../../packages/server/src/oauth/revocation-feed.ts'
import type { App, Fields } from './app.ts'

export interface FeedReader {
  /** Reads to the end, each page at another one of the apps in turn; answers the last page. */
  readonly readOn: (fields?: Fields) => Promise<FeedDocument>
  readonly isDead: (accessToken: string) => boolean
  readonly entries: () => readonly FeedEntry[]
  readonly cursor: () => string | undefined
}

export function feedReader(...apps: readonly App[]): FeedReader {
  const entries: FeedEntry[] = []
  let cursor: string | undefined
  let reads = 0

  async function readOn(fields: Fields = {}): Promise<FeedDocument> {
    const app = apps[reads++ % apps.length]
    assert.ok(app)
    const response = await readFeed(app, { cursor, ...fields })
    assert.equal(response.status, 200)
    const page = (await response.json()) as FeedDocument
    entries.push(...page.entries)
    cursor = page.cursor
    return page.more ? readOn({ wait_seconds: '0' }) : page
  }

  return {
    readOn: (fields = { wait_seconds: '0' }) => readOn(fields),
    isDead: accessToken => entries.some(entry => concerns(entry, claimsOf(accessToken))),
    entries: () => entries,
    cursor: () => cursor,
  }
}

export function readFeed(app: App, fields: Fields): Promise<Response> {
  return app.post('/revocation-feed', fields)
}

interface Claims {
  readonly client_id: string
  readonly jti: string
  readonly pawl: {
    readonly fam: string
    readonly opened_ms: number
    readonly owner?: string
    readonly made_ms?: number
  }
}

function claimsOf(accessToken: string): Claims {
  return decodeJwt(accessToken) as unknown as Claims
}

function concerns(entry: FeedEntry, { client_id, jti, pawl }: Claims): boolean {
  const { owner, fam, opened_ms, made_ms = Number.POSITIVE_INFINITY } = pawl
  switch (entry.kind) {
    case 'family':
      return fam === entry.fam
    case 'exchanged':
      return owner !== undefined && fam === entry.fam && client_id === entry.client_id && made_ms < entry.before_ms
    case 'client':
      return (
        ((owner ?? client_id) === entry.client_id && opened_ms < entry.before_ms) ||
        (owner !== undefined && client_id === entry.client_id && made_ms < entry.before_ms)
      )
    case 'everyone':
      return opened_ms < entry.before_ms
    case 'token':
      return jti === entry.jti
  }
}
