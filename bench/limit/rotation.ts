/**
 * The part of the bare limit that needs no store: one HMAC to check the presented token, one to make the next, one ES256
 * signature, one answer once the step has settled. No client authentication, no lifetimes, no users, no events.
 */

import { createHmac, type KeyObject, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { accessTokenSigner } from '../es256.ts'

export const idBytes = 16
const tagBytes = 16
const signedBytes = idBytes + 4
const bodyBytesMax = 65_536
const accessTokenSeconds = 600
const issuer = 'http://limit.bench'
const resource = 'https://api.bench'

/** One compare-and-set, settled when it is durable: true where the row moved. */
export interface Step {
  readonly id: Uint8Array
  readonly generation: number
  readonly settle: (moved: boolean) => void
}

export interface Secrets {
  readonly tagKey: KeyObject
  readonly signingKey: KeyObject
}

export function makeToken(tagKey: KeyObject, id: Uint8Array, generation: number): string {
  const bytes = Buffer.allocUnsafe(signedBytes + tagBytes)
  bytes.set(id, 0)
  bytes.writeUInt32BE(generation, idBytes)
  bytes.set(tagOf(tagKey, bytes.subarray(0, signedBytes)), signedBytes)
  return bytes.toString('base64url')
}

function tagOf(tagKey: KeyObject, signed: Uint8Array): Buffer {
  return createHmac('sha256', tagKey).update(signed).digest().subarray(0, tagBytes)
}

function checkToken(tagKey: KeyObject, token: string): { readonly id: Uint8Array; readonly generation: number } | null {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length !== signedBytes + tagBytes) return null
  if (!timingSafeEqual(bytes.subarray(signedBytes), tagOf(tagKey, bytes.subarray(0, signedBytes)))) return null
  return { id: bytes.subarray(0, idBytes), generation: bytes.readUInt32BE(idBytes) }
}

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

function rotate(secrets: Secrets, step: (step: Step) => void): (body: string, response: ServerResponse) => void {
  const signed = accessTokenSigner(secrets.signingKey, 'limit')
  return (body, response) => {
    const presented = checkToken(secrets.tagKey, new URLSearchParams(body).get('refresh_token') ?? '')
    if (presented === null) return answer(response, 400, { error: 'invalid_grant' })
    const { id, generation } = presented
    const successor = {
      access_token: signed(claimsOf(Buffer.from(id).toString('base64url'))),
      token_type: 'Bearer',
      expires_in: accessTokenSeconds,
      refresh_token: makeToken(secrets.tagKey, id, generation + 1),
      scope: 'api:read',
    }
    step({
      id,
      generation,
      settle: moved => (moved ? answer(response, 200, successor) : answer(response, 400, { error: 'invalid_grant' })),
    })
  }
}

function claimsOf(subject: string): object {
  const iat = Math.floor(Date.now() / 1000)
  return {
    iss: issuer,
    sub: subject,
    aud: resource,
    client_id: 'bench',
    scope: 'api:read',
    jti: randomUUID(),
    iat,
    exp: iat + accessTokenSeconds,
  }
}

/** Serves `POST /token`, not yet listening. */
export function limitServer(secrets: Secrets, step: (step: Step) => void): Server {
  const respond = rotate(secrets, step)
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    request.setEncoding('latin1')
    request.on('data', (chunk: string) => {
      body += chunk
      if (body.length > bodyBytesMax) request.destroy()
    })
    request.on('end', () => {
      if (request.method === 'POST' && request.url === '/token') respond(body, response)
      else answer(response, 404, { error: 'not_found' })
    })
  })
}
