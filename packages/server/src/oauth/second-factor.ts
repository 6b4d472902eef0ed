/**
 * The second factor, after a password in this browser or on top of a session that is too weak for what is asked (step-up,
 * RFC 9470 §4). Either way the browser goes on under a new secret.
 */

import type { Caller } from '../domain/event/new-event.ts'
import { withSecondFactor } from '../domain/session/acr.ts'
import type { Session } from '../domain/session/session.ts'
import { raiseSession } from '../domain/session/sessions.ts'
import { emailKey } from '../domain/user/email-key.ts'
import { rememberDevice } from '../domain/user/known-device.ts'
import { type SecondFactorOutcome, showSecondFactor } from '../domain/user/second-factor.ts'
import { tellOfChange } from './account/tell-owner.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { FirstFactor } from './authorize/interaction.ts'
import { type BrowserSecrets, openSession, type SignedIn } from './browser.ts'

export interface CodeAttempt {
  /** What the page stood on: the password, or else the session. Both null: there is nothing to add to. */
  readonly firstFactor: FirstFactor | null
  readonly session: Session | null
  readonly code: string
  readonly browser: BrowserSecrets
  readonly caller: Caller
}

export type CodeOutcome = SignedIn | Exclude<SecondFactorOutcome, { readonly kind: 'shown' }>

export async function signInWithCode(server: AuthorizationServer, attempt: CodeAttempt): Promise<CodeOutcome> {
  const { firstFactor, session, code, browser, caller } = attempt
  const subject = firstFactor?.subject ?? session?.subject
  const user = subject === undefined ? null : ((await server.store.users.read(subject))?.user ?? null)
  if (user === null || user.disabled) return { kind: 'refused' }
  const accountKey = emailKey(user.email) ?? ''
  const shown = await showSecondFactor(meansOf(server), {
    subject: user.subject,
    accountKey,
    code,
    deviceSecret: browser.device,
    caller,
  })
  if (shown.kind !== 'shown') return shown
  if (shown.by === 'recovery_code') tellOfChange(server, user.subject, 'recovery_code_used')
  const device = rememberDevice({ hashes: server.hasher, entropy: server.entropy }, browser.device, accountKey)
  if (firstFactor !== null) {
    const { authTimeMs, amr } = firstFactor
    const both = withSecondFactor(amr, shown.by)
    return openSession(server, {
      subject: user.subject,
      authTimeMs,
      shown: both,
      deviceSecret: device,
      browser,
      caller,
    })
  }
  // There was either a first factor or a session, or else no user was found.
  return session === null ? { kind: 'refused' } : raise(server, { session, by: shown.by, device, caller })
}

async function raise(
  server: AuthorizationServer,
  raised: {
    readonly session: Session
    readonly by: 'code' | 'recovery_code'
    readonly device: string
    readonly caller: Caller
  },
): Promise<SignedIn> {
  const { session: before, by, device, caller } = raised
  const means = { sessions: server.store.sessions, hashes: server.hasher, entropy: server.entropy }
  const shown = withSecondFactor(before.amr, by)
  const atMs = await server.store.now()
  const { session, secret } = await raiseSession(means, { session: before, shown, atMs, caller })
  return { kind: 'signed_in', session, secrets: { session: secret, device } }
}

function meansOf(server: AuthorizationServer) {
  const { store, hasher, sealer, entropy, signInLimits } = server
  return {
    credentials: store.credentials,
    throttles: store.throttles,
    events: store.events,
    hashes: hasher,
    sealer,
    entropy,
    nowMs: () => store.now(),
    limits: signInLimits,
  }
}
