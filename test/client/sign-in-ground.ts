/**
 * An application with the sign-in helpers of `@pawl/client` in front of a whole server in this process, a person with a
 * browser, a network between them that fails when it is told to, and time that passes when a test says so.
 */

import { ClientSecretBasic } from 'oauth4webapi'
import { custodyKeyFrom } from '../../packages/client/src/custody/custody-key.ts'
import type { Custody } from '../../packages/client/src/holder/holder.ts'
import { type FlakyNetwork, flakyNetwork } from '../../packages/client/src/testing/flaky-network.ts'
import { httpDate } from '../../packages/client/src/testing/http-date.ts'
import { ClockStuck, type VirtualClock, virtualClock } from '../../packages/client/src/testing/virtual-clock.ts'
import { beginSignIn, finishSignIn } from '../../packages/client/src/sign-in/sign-in.ts'
import type { SignInWishes } from '../../packages/client/src/sign-in/authorization-request.ts'
import type { SignedIn } from '../../packages/client/src/sign-in/signed-in.ts'
import { memoryStore } from '../../packages/client/src/stores/memory.ts'
import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { agree } from '../stage/app.ts'
import type { Browser } from '../stage/browser.ts'
import type { Lifetime } from '../stage/lifetime.ts'
import { openScene, type Scene, type SceneOptions } from '../stage/scene.ts'
import { type Stage, stageStartsAtMs } from '../stage/stage.ts'

export interface SignInGround extends Scene {
  readonly custody: Custody
  readonly clock: VirtualClock
  readonly network: FlakyNetwork
  /** What is registered, with the scope that all tests ask for. */
  readonly wishes: SignInWishes
  /** Lets time pass until it is settled. */
  readonly run: <T>(work: Promise<T>) => Promise<T>
}

export async function openSignIn(lifetime: Lifetime, options: SceneOptions = {}): Promise<SignInGround> {
  const scene = await openScene(lifetime, options)
  const clock = virtualClock(stageStartsAtMs)
  const network = networkTo(scene.stage, clock)
  const custody = await custodyFor(scene.stage.issuer, scene.registered, { clock, network })
  const redirectUri = scene.registered.client.redirectUris[0] ?? 'https://none.example/cb'
  const wishes = { redirectUri, scope: 'openid email offline_access' }
  return { ...scene, custody, clock, network, wishes, run: work => patiently(clock, work) }
}

/** Making a key takes the machine a while in which nothing waits for time to pass: that is not being stuck. */
async function patiently<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await clock.run(work)
    } catch (error) {
      if (!(error instanceof ClockStuck) || tries === triesMax) throw error
    }
  }
}

const triesMax = 500

/** The server's time is the application's: what a test lets pass, passes for both. */
export function networkTo(stage: Stage, clock: VirtualClock): FlakyNetwork {
  return flakyNetwork(clock, async (url, init) => {
    stage.clock.set(clock.nowMs())
    const answer = await stage.send(url, init)
    // The listener in front of a server dates its answers (RFC 9110 §6.6.1).
    if (!answer.headers.has('date')) answer.headers.set('date', httpDate(clock.nowMs()))
    return answer
  })
}

export async function custodyFor(
  issuer: string,
  { client, secret }: ClientWithSecret,
  { clock, network }: { readonly clock: VirtualClock; readonly network: FlakyNetwork },
): Promise<Custody> {
  return {
    server: issuer,
    client: { client_id: client.id },
    ...(secret === null ? {} : { authentication: ClientSecretBasic(secret) }),
    store: memoryStore(clock),
    custodyKey: await custodyKeyFrom(new Uint8Array(32).fill(7)),
    fetch: network.fetch,
    clock,
    chance: () => 0.5,
  }
}

/** The person goes to the address, signs in and agrees; answers where they come back to. */
export async function visit(browser: Browser, url: string): Promise<URL> {
  const { pathname, search } = new URL(url)
  return agree(browser, await browser.open(pathname + search))
}

export interface Visited {
  readonly transaction: string
  readonly back: URL
}

/** A sign-in up to the moment in which the person is back. */
export async function visited(ground: SignInGround, wishes: Partial<SignInWishes> = {}): Promise<Visited> {
  const { url, transaction } = await ground.run(beginSignIn(ground.custody, { ...ground.wishes, ...wishes }))
  return { transaction, back: await visit(ground.browser, url) }
}

export async function signInWith(ground: SignInGround, wishes: Partial<SignInWishes> = {}): Promise<SignedIn> {
  const { transaction, back } = await visited(ground, wishes)
  return ground.run(finishSignIn(ground.custody, transaction, back))
}

/** How many requests the application has sent to the token endpoint. */
export function tokenRequests({ network }: SignInGround): number {
  return network.requests.filter(({ to }) => to === 'token').length
}
