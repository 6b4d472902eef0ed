/**
 * What is sent and what must come back, for each kind of request. Answers are read without a JSON parser, which would cost
 * the shared cores; the members looked for are plain tokens.
 */

import type { Answer } from './answer-reader.ts'
import type { Exchange } from './lap.ts'

export interface Form {
  readonly body: (token: string) => string
  /** Checks the answer: what takes the token's place, or null where it is used up. Throws at a wrong answer, naming it. */
  readonly next: (answer: Answer, token: string) => string | null
}

export function formOf({ kind, parameters }: Exchange): Form {
  switch (kind) {
    case 'refresh':
    case 'refresh-dpop':
      return {
        body: token => `grant_type=refresh_token&refresh_token=${encodeURIComponent(token)}${parameters}`,
        next: successor,
      }
    case 'redeem':
      return {
        body: token => `grant_type=authorization_code&code=${encodeURIComponent(token)}${parameters}`,
        next: (answer, token) => {
          successor(answer, token)
          return null
        },
      }
    case 'introspect':
      return { body: token => `token=${encodeURIComponent(token)}${parameters}`, next: active }
    case 'revoke':
      return { body: token => `token=${encodeURIComponent(token)}${parameters}`, next: accepted }
  }
}

function successor(answer: Answer, presented: string): string {
  if (answer.status !== 200) throw new Error(`a token request was answered ${answer.status}: ${start(answer)}`)
  const refreshToken = /"refresh_token": ?"([^"\\]+)"/.exec(answer.body)?.[1]
  if (refreshToken === undefined) throw new Error('a token request was answered without a refresh token')
  if (refreshToken === presented) throw new Error('a rotation was answered with the refresh token that was presented')
  if (!/"access_token": ?"[\w-]+\.[\w-]+\.[\w-]+"/.test(answer.body))
    throw new Error('a token request was answered without a JWT access token')
  return refreshToken
}

function active(answer: Answer, token: string): string {
  if (answer.status === 200 && /"active": ?true/.test(answer.body)) return token
  throw new Error(`the introspection of a living token was answered ${answer.status}: ${start(answer)}`)
}

function accepted(answer: Answer): null {
  if (answer.status === 200) return null
  throw new Error(`a revocation was answered ${answer.status}: ${start(answer)}`)
}

function start(answer: Answer): string {
  return answer.body.slice(0, 300)
}
