/** Authorization requests that come another way than by the query: pushed first, or signed. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { App, Fields } from './app.ts'
import type { Stage } from './stage.ts'

export interface PushedPath {
  /** What the browser is sent to. */
  readonly path: string
  readonly requestUri: string
  readonly verifier: string
}

/** The fields of an authorization request as `authorizePath` would send them. */
export function fieldsOf(app: App, fields: Fields = {}): { readonly fields: Fields; readonly verifier: string } {
  const { path, verifier } = app.authorizePath(fields)
  return { fields: Object.fromEntries(new URL(path, 'https://stage.example').searchParams), verifier }
}

/** Pushes a request that must be taken. */
export async function push(app: App, fields: Fields = {}): Promise<PushedPath> {
  const asked = fieldsOf(app, fields)
  const response = await app.post('/par', asked.fields)
  const body = (await response.json()) as { readonly request_uri?: string }
  if (response.status !== 201 || body.request_uri === undefined) {
    throw new Error(`the push was answered ${response.status}: ${JSON.stringify(body)}`)
  }
  const clientId = asked.fields['client_id'] ?? ''
  return { path: pathTo(clientId, body.request_uri), requestUri: body.request_uri, verifier: asked.verifier }
}

export function pathTo(clientId: string, requestUri: string): string {
  return `/authorize?${new URLSearchParams({ client_id: clientId, request_uri: requestUri }).toString()}`
}

/** A key of a client, and the set it registers. */
export interface ClientKeyPair {
  readonly privateKey: KeyObject
  readonly jwks: { readonly keys: readonly object[] }
}

export function newClientKey(kid = 'k1'): ClientKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' }] } }
}

export interface ObjectOptions {
  readonly header?: { readonly [name: string]: unknown }
  /** Undefined takes a claim away. */
  readonly claims?: { readonly [name: string]: unknown }
  readonly key?: KeyObject
}

/** What a careful client puts around its parameters, signed with ES256. */
export function requestObject(stage: Stage, fields: Fields, key: KeyObject, options: ObjectOptions = {}): string {
  const seconds = Math.floor(stage.clock.nowMs() / 1000)
  const times = { iat: seconds, nbf: seconds, exp: seconds + 300 }
  const claims = { ...fields, iss: fields['client_id'], aud: stage.issuer, ...times, ...options.claims }
  const header = { alg: 'ES256', typ: 'oauth-authz-req+jwt', kid: 'k1', ...options.header }
  return signed(header, claims, options.key ?? key)
}

export function signed(header: object, claims: object, key: KeyObject): string {
  const text = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}
