import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Tokens } from './app.ts'
import type { Stage } from './stage.ts'

/** The claims of an answer's ID token, verified as a client does: by the published keys, for its own id, at the stage's time. */
export async function idTokenOf(stage: Stage, tokens: Tokens, clientId: string): Promise<JWTPayload> {
  const keys = createLocalJWKSet((await (await stage.send('/jwks')).json()) as JSONWebKeySet)
  const verified = await jwtVerify(String(tokens.body['id_token']), keys, {
    issuer: stage.issuer,
    audience: clientId,
    typ: 'JWT',
    currentDate: new Date(stage.clock.nowMs()),
  })
  return verified.payload
}
