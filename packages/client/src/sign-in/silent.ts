/**
 * Asking in a hidden frame whether the person is still signed in at the server (`prompt=none`, OIDC Core §3.1.2.1): for
 * single-page applications that keep no refresh token. It works where application and server are one site (scheme and
 * registrable domain), because browsers send no cookie of the server to a frame of another site; there the answer is
 * `login_required`, and the whole window is sent instead.
 *
 * The frame comes back to an address of the application's own origin, so its address can be read here and nothing has to
 * be posted from window to window: the browser itself refuses to show it while it is anybody else's. That page should be
 * one that does nothing, an empty file for example, and must allow to be framed by its own origin.
 */

import { machineClock } from '../holder/clock.ts'
import type { Custody } from '../holder/holder.ts'
import type { SignInWishes } from './authorization-request.ts'
import { SignInFailed, SignInRefused } from './failures.ts'
import { redirectPlace } from './redirect-place.ts'
import { beginSignIn, finishSignIn } from './sign-in.ts'
import type { SignedIn } from './signed-in.ts'

export interface SilentWishes extends Omit<SignInWishes, 'prompt' | 'isAnswerSigned'> {
  readonly waitSeconds?: number
  readonly signal?: AbortSignal
}

/**
 * `interaction_needed`: only the person can go on; send the whole window. `no_answer`: none came in time, because the server
 * could not be reached in a frame, or the browser kept the frame's answer from us.
 */
export type SilentOutcome =
  | { readonly kind: 'signed_in'; readonly signedIn: SignedIn }
  | { readonly kind: 'interaction_needed'; readonly code: InteractionCode }
  | { readonly kind: 'no_answer' }

/** OIDC Core §3.1.2.6, and RFC 9470's name for a sign-in that does not suffice. */
const interactionCodes = [
  'login_required',
  'consent_required',
  'interaction_required',
  'account_selection_required',
  'unmet_authentication_requirements',
] as const
export type InteractionCode = (typeof interactionCodes)[number]

export const silentWaitSeconds = 10

/**
 * Rejects like `beginSignIn` and `finishSignIn` for everything that asking the person would not mend. With
 * `expectedSubject` another person who signed in meanwhile is never taken for the first one.
 */
export async function signInSilently(custody: Custody, wishes: SilentWishes): Promise<SilentOutcome> {
  if (new URL(wishes.redirectUri).origin !== location.origin) {
    throw new TypeError('a silent sign-in comes back to the origin of the page that asks')
  }
  const { url, transaction } = await beginSignIn(custody, { ...wishes, prompt: 'none' })
  const back = await addressAfter(custody, url, wishes)
  if (back === null) return { kind: 'no_answer' }
  try {
    return { kind: 'signed_in', signedIn: await finishSignIn(custody, transaction, back) }
  } catch (error) {
    const code = error instanceof SignInRefused ? interactionCodes.find(each => each === error.code) : undefined
    if (code === undefined) throw error
    return { kind: 'interaction_needed', code }
  }
}

/** Where a hidden frame is led from `url`, or null when it did not come back in time. The frame is gone in any case. */
async function addressAfter(custody: Custody, url: string, wishes: SilentWishes): Promise<string | null> {
  const { clock = machineClock } = custody
  const { waitSeconds = silentWaitSeconds, signal } = wishes
  const frame = document.createElement('iframe')
  frame.hidden = true
  frame.title = 'Sign-in'
  const over = new AbortController()
  const stop = AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])])
  try {
    const arrived = new Promise<string>(resolve => {
      frame.addEventListener('load', () => {
        const address = ownAddressOf(frame)
        if (address !== null && redirectPlace(address) === redirectPlace(wishes.redirectUri)) resolve(address)
      })
    })
    frame.src = url
    document.body.append(frame)
    const back = await Promise.race([arrived, clock.wait(waitSeconds * 1000, stop).then(() => null)])
    if (back === null && signal?.aborted === true) {
      throw new SignInFailed('aborted', 'the sign-in was given up', { cause: signal.reason })
    }
    return back
  } finally {
    over.abort()
    frame.remove()
  }
}

/** Null while the frame shows a page of another origin: the browser keeps its address from us. */
function ownAddressOf({ contentWindow }: HTMLIFrameElement): string | null {
  try {
    const { href } = contentWindow?.location ?? { href: 'about:blank' }
    return href === 'about:blank' ? null : href
  } catch {
    return null
  }
}
