/**
 * What runs in the page of an application that signs in with `@pawl/client` and keeps no refresh token: with the whole
 * window first, in a hidden frame from then on. A test calls it; the page it comes back to in the frame does nothing.
 */

import type { Custody } from '../../packages/client/src/holder/holder.ts'
import { beginSignIn, finishSignIn } from '../../packages/client/src/sign-in/sign-in.ts'
import type { SignedIn } from '../../packages/client/src/sign-in/signed-in.ts'
import { signInSilently, type SilentWishes } from '../../packages/client/src/sign-in/silent.ts'
import { browserCustodyKey, indexedDbStore, openCustodyDatabase } from '../../packages/client/src/stores/indexed-db.ts'

export interface Told {
  readonly kind: string
  readonly code?: string
  readonly subject?: string | undefined
  readonly accessToken?: string | undefined
  readonly type?: string | undefined
  readonly hasRefreshToken?: boolean
  readonly isKeyExtractable?: boolean | undefined
}

const scope = 'openid email'

const calls = {
  /** Sends the whole window to the server. */
  async start(issuer: string): Promise<void> {
    const wishes = { scope, redirectUri: `${location.origin}/callback`, useDpop: true }
    const { url, transaction } = await beginSignIn(custodyOf(issuer), wishes)
    sessionStorage.setItem('transaction', transaction)
    location.assign(url)
  },
  /** On the page it comes back to. */
  async finish(issuer: string): Promise<Told> {
    const transaction = sessionStorage.getItem('transaction') ?? ''
    sessionStorage.removeItem('transaction')
    return told(await finishSignIn(custodyOf(issuer), transaction, location.href))
  },
  async silently(issuer: string, wishes: Partial<SilentWishes> = {}): Promise<Told> {
    const all = { scope, redirectUri: `${location.origin}/silent`, useDpop: true, ...wishes }
    try {
      const outcome = await signInSilently(custodyOf(issuer), all)
      if (outcome.kind === 'signed_in') return told(outcome.signedIn)
      return outcome
    } catch (error) {
      return { kind: 'failed', code: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' }
    }
  },
}

export type SilentCalls = typeof calls

const database = openCustodyDatabase()

function custodyOf(issuer: string): Custody {
  const client = { client_id: 'page' }
  return { server: issuer, client, store: indexedDbStore(database), custodyKey: browserCustodyKey(database) }
}

function told({ tokens, subject, dpopKey }: SignedIn): Told {
  return {
    kind: 'signed_in',
    subject,
    accessToken: tokens.access_token,
    type: tokens.token_type,
    hasRefreshToken: tokens.refresh_token !== undefined,
    isKeyExtractable: dpopKey?.privateKey.extractable,
  }
}

Object.assign(globalThis, { signIn: calls })
