/**
 * The bare limit: the least a machine must do for one durable rotation, and nothing else. One HMAC to check the
 * presented token, one to make the next, one ES256 signature, one row moved by compare-and-set in a group commit, one
 * answer after the commit. No client authentication, no lifetimes, no users, no events: whatever a real server adds is
 * what it costs beyond this. `node limit.ts DIRECTORY` serves the database that `seedLimit` wrote there.
 */

import {
  createHmac,
  createPrivateKey,
  createSecretKey,
  type KeyObject,
  randomUUID,
  sign,
  timingSafeEqual,
} from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export const idBytes = 16
const tagBytes = 16
const signedBytes = idBytes + 4
const bodyBytesMax = 65_536
const accessTokenSeconds = 600
const issuer = 'http://limit.bench'
const resource = 'https://api.bench'

interface Step {
  readonly id: Uint8Array
  readonly generation: number
  readonly settle: (moved: boolean) => void
}

export interface Secrets {
  readonly tagKey: KeyObject
  readonly signingKey: KeyObject
}

export function limitFile(directory: string): string {
  return join(directory, 'limit.sqlite')
}

export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000',
  )
  return database
}

export function readSecrets(database: DatabaseSync): Secrets {
  const select = database.prepare('SELECT bytes FROM secrets WHERE name = ?')
  const read = (name: string): Buffer => Buffer.from(select.get(name)?.['bytes'] as Uint8Array)
  return {
    tagKey: createSecretKey(read('tag')),
    signingKey: createPrivateKey({ key: read('signing'), format: 'der', type: 'pkcs8' }),
  }
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

const jwtHeader = `${Buffer.from('{"typ":"at+jwt","alg":"ES256","kid":"limit"}').toString('base64url')}.`

function makeAccessToken(signingKey: KeyObject, subject: string): string {
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    iss: issuer,
    sub: subject,
    aud: resource,
    client_id: 'bench',
    scope: 'api:read',
    jti: randomUUID(),
    iat,
    exp: iat + accessTokenSeconds,
  }
  const signed = jwtHeader + Buffer.from(JSON.stringify(claims)).toString('base64url')
  // DER with the bare key and a conversion is faster than asking Node for ieee-p1363 (`bench/micro.ts` measures both).
  return `${signed}.${rawSignature(sign('sha256', Buffer.from(signed), signingKey)).toString('base64url')}`
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) to r || s (RFC 7518 §3.4). */
function rawSignature(der: Uint8Array): Buffer {
  const raw = Buffer.alloc(64)
  const rBytes = der[3] ?? 0
  const sBytes = der[5 + rBytes] ?? 0
  raw.set(der.subarray(4 + Math.max(0, rBytes - 32), 4 + rBytes), 32 - Math.min(32, rBytes))
  raw.set(der.subarray(6 + rBytes + Math.max(0, sBytes - 32), 6 + rBytes + sBytes), 64 - Math.min(32, sBytes))
  return raw
}

/** Steps that arrive in one turn of the event loop share one transaction; each is answered after its commit. */
function groupCommit(database: DatabaseSync): (step: Step) => void {
  const advance = database.prepare(
    'UPDATE families SET generation = generation + 1, rotated_at_ms = ? WHERE id = ? AND generation = ?',
  )
  let gathered: Step[] = []
  const commit = (): void => {
    const batch = gathered
    gathered = []
    database.exec('BEGIN IMMEDIATE')
    const moved = batch.map(step => advance.run(Date.now(), step.id, step.generation).changes === 1)
    database.exec('COMMIT')
    for (const [at, step] of batch.entries()) step.settle(moved[at] === true)
  }
  return step => {
    if (gathered.push(step) === 1) setImmediate(commit)
  }
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
  return (body, response) => {
    const presented = checkToken(secrets.tagKey, new URLSearchParams(body).get('refresh_token') ?? '')
    if (presented === null) return answer(response, 400, { error: 'invalid_grant' })
    const { id, generation } = presented
    const successor = {
      access_token: makeAccessToken(secrets.signingKey, Buffer.from(id).toString('base64url')),
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

function serve(directory: string): void {
  const database = openDatabase(limitFile(directory))
  const respond = rotate(readSecrets(database), groupCommit(database))
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
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
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    console.log(JSON.stringify({ event: 'ready', issuer: `http://127.0.0.1:${port}` }))
  })
  process.once('SIGTERM', () => {
    server.close(() => database.close())
    server.closeIdleConnections()
  })
}

if (import.meta.main) serve(process.argv[2] ?? '.')
