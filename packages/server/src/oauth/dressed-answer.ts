/** Answers to a client as it is registered to get them: JSON, a signed JWT, or either of these encrypted to its key. */

import type { Client } from '../domain/client/client.ts'
import type { SigningAlgorithm } from '../domain/client/signing-algorithm.ts'
import type { Dress } from '../domain/client/token-rules.ts'
import type { JwtTyp } from '../domain/keys/signing-key.ts'
import { signJwt } from '../domain/token/sign-jwt.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import { encryptedFor } from './encrypted-for.ts'

export interface DressedAnswer {
  readonly text: string
  /** False of plain JSON. */
  readonly isJose: boolean
}

export interface Undressed {
  readonly typ: JwtTyp
  readonly claims: object
  /** What a signature needs besides, such as `iss` and `aud`. */
  readonly signedClaims: object
}

/** Rejects with `temporarily_unavailable` or `StoreUnavailable` where it cannot be as it must: never with less. */
export async function dressedAnswer(
  server: AuthorizationServer,
  client: Client,
  { signed, encrypted }: Dress,
  answer: Undressed,
): Promise<DressedAnswer> {
  const isJwt = signed !== null
  const text = isJwt ? await signedText(server, signed, answer) : JSON.stringify(answer.claims)
  if (encrypted === null) return { text, isJose: isJwt }
  return { text: await encryptedFor(server, client, encrypted, { text, isJwt }), isJose: true }
}

async function signedText(
  { store, signingKeys }: AuthorizationServer,
  algorithm: SigningAlgorithm,
  { typ, claims, signedClaims }: Undressed,
): Promise<string> {
  const nowMs = await store.now()
  await signingKeys.prepare(algorithm, nowMs)
  return signJwt(signingKeys.current(algorithm, nowMs), typ, { ...claims, ...signedClaims })
}
