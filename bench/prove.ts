/**
 * Proves of each contender that what is measured is a rotation: the answer's refresh token is new, its access token is a
 * JWT signed with ES256, the old token is dead, the new one works, and all of that is still so after the server was killed
 * with SIGKILL. `npm run bench -- --prove` runs it on everything; `npm test` on what needs no installing.
 */

import assert from 'node:assert/strict'
import { createLocalJWKSet, importJWK, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Running } from './contender.ts'

interface Answer {
  readonly status: number
  readonly body: { readonly [name: string]: unknown }
}

/** Presents a refresh token as the load does. */
export async function refresh(running: Running, refreshToken: string): Promise<Answer> {
  const { token: path, refreshParameters } = running.endpoints
  const response = await fetch(`http://127.0.0.1:${running.port}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(running.authorization === null ? {} : { authorization: running.authorization }),
    },
    body: `grant_type=refresh_token&refresh_token=${encodeURIComponent(refreshToken)}${refreshParameters}`,
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

export interface Proof {
  /** Spent, and its successor, which still lives. */
  readonly spent: string
  readonly living: string
}

/** Rotates one family twice; the last token is left to be presented after a restart. */
export async function proveRotation(running: Running, token: string): Promise<Proof> {
  const first = await refresh(running, token)
  assert.equal(first.status, 200, `${running.name} refused a living token: ${JSON.stringify(first.body)}`)
  await assertAccessToken(running, first.body['access_token'])
  const second = String(first.body['refresh_token'])
  assert.notEqual(second, token, `${running.name} does not rotate`)
  const third = await refresh(running, second)
  assert.equal(third.status, 200, `${running.name} refused the token it had issued`)
  return { spent: token, living: String(third.body['refresh_token']) }
}

/** What was acknowledged holds: the living token works, and the one before it, spent long ago, does not. */
export async function proveKept(running: Running, { spent, living }: Proof): Promise<void> {
  const kept = await refresh(running, living)
  assert.equal(kept.status, 200, `${running.name} lost a rotation: ${JSON.stringify(kept.body)}`)
  const dead = await refresh(running, spent)
  assert.ok(dead.status === 400 || dead.status === 401, `${running.name} answered a spent token ${dead.status}`)
}

async function assertAccessToken(running: Running, accessToken: unknown): Promise<void> {
  // The package's own options decide about audience and issuer; what is measured is the signature.
  const options = { algorithms: ['ES256'], requiredClaims: ['exp', 'iat', 'aud'] }
  const { port, verifyingKey } = running
  if (typeof verifyingKey !== 'string') {
    await jwtVerify(String(accessToken), await importJWK(verifyingKey, 'ES256'), options)
    return
  }
  const response = await fetch(`http://127.0.0.1:${port}${verifyingKey}`)
  await jwtVerify(String(accessToken), createLocalJWKSet((await response.json()) as JSONWebKeySet), options)
}
