/** Token exchange (RFC 8693) as an application asks for it. */

import assert from 'node:assert/strict'
import { tokenExchangeGrantType } from '../../packages/server/src/domain/client/client.ts'
import { accessTokenType, refreshTokenType } from '../../packages/server/src/oauth/grants/token-types.ts'
import { type App, type Fields, type Tokens, tokensOf } from './app.ts'

export interface Branched {
  readonly status: number
  readonly body: { readonly [name: string]: unknown }
  /** Of the sibling: it comes under the name of an access token. */
  readonly branch: Tokens
  /** The parent, one generation further. */
  readonly parent: Tokens
}

export async function exchange(app: App, fields: Fields, headers: HeadersInit = {}): Promise<Tokens> {
  return tokensOf(await app.post('/token', { grant_type: tokenExchangeGrantType, ...fields }, headers))
}

export async function branch(
  app: App,
  refreshToken: string,
  fields: Fields = {},
  headers: HeadersInit = {},
): Promise<Branched> {
  const types = { subject_token_type: refreshTokenType, requested_token_type: refreshTokenType }
  const sent = { ...types, subject_token: refreshToken, branch_name: 'nightly', ...fields }
  const parent = await exchange(app, sent, headers)
  const { status, body } = parent
  return { status, body, parent, branch: { ...parent, accessToken: '', refreshToken: parent.accessToken } }
}

/** A branch that must be opened. */
export async function branched(
  app: App,
  refreshToken: string,
  fields: Fields = {},
  headers: HeadersInit = {},
): Promise<Branched> {
  const answer = await branch(app, refreshToken, fields, headers)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer
}

/** An API hands on what it was sent. */
export function handOn(app: App, accessToken: string, fields: Fields = {}, headers: HeadersInit = {}): Promise<Tokens> {
  return exchange(app, { subject_token: accessToken, subject_token_type: accessTokenType, ...fields }, headers)
}
