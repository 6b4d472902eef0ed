/**
 * Signing in from a native application or a command line tool: the system's browser, and an address on this machine that
 * it comes back to (RFC 8252 §7.3). For machines without a browser there is `@pawl/client/device`.
 */

import { machineClock } from '../holder/clock.ts'
import type { Custody } from '../holder/holder.ts'
import type { SignInWishes } from './authorization-request.ts'
import { SignInFailed } from './failures.ts'
import { type Arrival, openDoor } from './loopback-door.ts'
import { notSignedInPage, signedInPage } from './loopback-page.ts'
import { beginSignIn, finishSignIn } from './sign-in.ts'
import type { SignedIn } from './signed-in.ts'
import { openSystemBrowser } from './system-browser.ts'

export interface LoopbackWishes extends Omit<SignInWishes, 'redirectUri' | 'isAnswerSigned'> {
  /** As registered, without a port, or with the one port that the server knows. */
  readonly redirectUri?: string
  /** Shows the address, for whoever's browser does not open by itself. Called before it is tried. */
  readonly show: (url: string) => void
  /** Opens a browser; what it answers or throws changes nothing. By default the system's. */
  readonly open?: (url: string) => unknown
  /** Stores what came, before the browser is told that it worked: `fresh => holder.keep('me', fresh)`. */
  readonly keep?: (fresh: SignedIn) => Promise<unknown>
  /** As people know the application, for the page in the browser. */
  readonly applicationName?: string
  /** At most as long as a transaction lives. */
  readonly waitSeconds?: number
  /** Ends the waiting: for Ctrl-C. */
  readonly signal?: AbortSignal
}

export const loopbackRedirectUri = 'http://127.0.0.1/callback'
export const loopbackWaitSeconds = 300

/**
 * Rejects as `beginSignIn`, `finishSignIn` and `keep` do, and with `SignInFailed` (`expired`, `aborted`) when nobody came back in
 * time. However it ends, nothing listens any more.
 */
export async function signInAtLoopback(custody: Custody, wishes: LoopbackWishes): Promise<SignedIn> {
  const { redirectUri: registered = loopbackRedirectUri, show, open = openSystemBrowser, signal } = wishes
  if (signal?.aborted === true) throw aborted(signal)
  const door = await openDoor(registered)
  try {
    const { url, transaction, state } = await beginSignIn(custody, { ...wishes, redirectUri: door.redirectUri })
    const arrival = door.arrival(state)
    show(url)
    openAside(() => open(url))
    const arrived = await arrivedInTime(custody, arrival, wishes)
    return await finished(custody, transaction, arrived, wishes)
  } finally {
    await door.close()
  }
}

/**
 * Some programs that open a browser end with it, so nobody waits for them; and the address was shown: a browser that does
 * not open is the person's to open.
 */
function openAside(open: () => unknown): void {
  Promise.resolve()
    .then(open)
    .catch(() => undefined)
}

async function arrivedInTime(custody: Custody, arrival: Promise<Arrival>, wishes: LoopbackWishes): Promise<Arrival> {
  const { clock = machineClock } = custody
  const { waitSeconds = loopbackWaitSeconds, signal } = wishes
  const over = new AbortController()
  const late = clock
    .wait(waitSeconds * 1000, AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])]))
    .then(() => null)
  const arrived = await Promise.race([arrival, late])
  over.abort()
  if (arrived !== null) return arrived
  if (signal?.aborted === true) throw aborted(signal)
  throw new SignInFailed('expired', 'nobody came back from the browser in time')
}

/** The browser is told how it came out, so the page waits until the tokens are kept. */
async function finished(
  custody: Custody,
  transaction: string,
  arrived: Arrival,
  { keep, applicationName: name = 'the application' }: LoopbackWishes,
): Promise<SignedIn> {
  try {
    const signedIn = await finishSignIn(custody, transaction, arrived.url)
    await keep?.(signedIn)
    await arrived.show(signedInPage(name))
    return signedIn
  } catch (error) {
    await arrived.show(notSignedInPage(name))
    throw error
  }
}

function aborted(signal: AbortSignal): SignInFailed {
  return new SignInFailed('aborted', 'the sign-in was given up', { cause: signal.reason })
}
