/** What has to be remembered while the person is away at the authorization server: it rides in a sealed cookie. */

import { CustodyKeyWrong } from '@pawl/client'
import type { Parts } from './parts.ts'

export interface Attempt {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export function sealAttempt(parts: Parts, attempt: Attempt): Promise<string> {
  return parts.custodyKey.seal(JSON.stringify(attempt), placeIn(parts))
}

/** Null for what this application did not seal. */
export async function openAttempt(parts: Parts, sealed: string): Promise<Attempt | null> {
  try {
    return JSON.parse(await parts.custodyKey.open(sealed, placeIn(parts))) as Attempt
  } catch (cause) {
    if (cause instanceof CustodyKeyWrong) return null
    throw cause
  }
}

function placeIn({ settings }: Parts) {
  return { issuer: settings.issuer.href, clientId: settings.clientId, name: 'attempt to sign in', version: '' }
}
