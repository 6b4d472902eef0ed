/** An application's own web server, where it hears that a session has ended: it keeps what it is told, and answers as told. */

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Lifetime } from './lifetime.ts'
import type { Stage } from './stage.ts'

export interface Heard {
  readonly method: string
  readonly path: string
  readonly contentType: string
  readonly token: string
}

export interface LogoutReceiver {
  readonly url: string
  readonly heard: readonly Heard[]
  /** Resolves when something is heard from now on. */
  readonly next: () => Promise<Heard>
  /** How it answers from now on; a function has the whole answer to itself. */
  readonly answer: (how: number | ((response: ServerResponse) => void)) => void
}

export async function openLogoutReceiver(lifetime: Lifetime): Promise<LogoutReceiver> {
  const heard: Heard[] = []
  let waiting: ((one: Heard) => void)[] = []
  let how: number | ((response: ServerResponse) => void) = 200
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (more: string) => {
      body += more
    })
    request.once('end', () => {
      const token = new URLSearchParams(body).get('logout_token') ?? ''
      const contentType = request.headers['content-type'] ?? ''
      const one = { method: request.method ?? '', path: request.url ?? '', contentType, token }
      heard.push(one)
      for (const resolve of waiting) resolve(one)
      waiting = []
      if (typeof how === 'number') response.writeHead(how).end()
      else how(response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  lifetime.after(() => {
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logged-out?from=pawl`,
    heard,
    next: () => new Promise(resolve => waiting.push(resolve)),
    answer: next => {
      how = next
    },
  }
}

/** What a logout token says, verified as an application does (OIDC Back-Channel Logout 1.0 §2.6). */
export async function logoutTokenOf(stage: Stage, token: string, clientId: string): Promise<JWTPayload> {
  const keys = createLocalJWKSet((await (await stage.send('/jwks')).json()) as JSONWebKeySet)
  const { payload } = await jwtVerify(token, keys, {
    issuer: stage.issuer,
    audience: clientId,
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
    currentDate: new Date(stage.clock.nowMs()),
  })
  return payload
}

export function algorithmOf(token: string): string {
  return String(decodeProtectedHeader(token).alg)
}
