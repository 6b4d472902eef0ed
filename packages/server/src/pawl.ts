/**
 * The composition root: every part is built here, once, by hand, in order. Nothing else imports `store/`, and nothing
 * below it knows how its neighbours were made.
 */

import { availableParallelism } from 'node:os'
import { type Workbench, workbenchOf } from './admin/workbench.ts'
import type { Config } from './config/config.ts'
import { ConfigRefused } from './config/config-refused.ts'
import { type Background, background } from './domain/background.ts'
import { clientDocuments } from './domain/client/client-documents.ts'
import { clientKeys } from './domain/client/client-keys.ts'
import { dpopNonces } from './domain/dpop/dpop-nonces.ts'
import { dpopProofs } from './domain/dpop/dpop-proofs.ts'
import type { Entropy } from './domain/entropy.ts'
import { refusalLog } from './domain/event/refusal-log.ts'
import { familySteps } from './domain/family/step.ts'
import { newRequestId } from './domain/identifiers.ts'
import { checkMasterKeys } from './domain/keys/key-check.ts'
import { keyedHasher } from './domain/keys/keyed-hash.ts'
import { UnusableMasterKey } from './domain/keys/master-keys.ts'
import { requestDecryption } from './domain/keys/request-decryption.ts'
import { sealer } from './domain/keys/seal.ts'
import { openSigningKeys, publishSecondsMin, type SigningKeys } from './domain/keys/signing-keys.ts'
import type { Mailer } from './domain/mail/mail.ts'
import type { OutboundRules } from './domain/outbound/outbound-url.ts'
import { courierWakesSeconds } from './domain/outbox/courier.ts'
import { type Store, StoreRefused } from './domain/store.ts'
import { familyRate, familyRateMemory } from './domain/throttle/family-rate.ts'
import type { Clock } from './domain/time.ts'
import { tokenCodec } from './domain/token/codec.ts'
import { familyHandle } from './domain/token/family-handle.ts'
import { opaqueAccessTokens } from './domain/token/opaque-access-token.ts'
import { openSubjects } from './domain/token/subjects.ts'
import { argon2Hasher, type Hashing, hashingOn, type PasswordHasher, tellingHasher } from './domain/user/password.ts'
import { signInLimits } from './domain/user/sign-in-limits.ts'
import { accessLog, type Logger } from './http/access-log.ts'
import { applicationRoutes, publicRoutes } from './http/endpoints/routes.ts'
import { type FailureDelay, failureDelay, type StartTimer, systemTimer } from './http/failure-delay.ts'
import { type FetchFunction, fetchListener } from './http/fetch-listener.ts'
import { type Answer, type RouterParts, route } from './http/router.ts'
import { type RefuseUnread, refuseUnread } from './http/unread-request.ts'
import { openMailer } from './mail/open-mailer.ts'
import { loadClaimsHook } from './load-claims-hook.ts'
import { openStatusLists } from './oauth/open-status-lists.ts'
import { type AuthorizationServer, endpointUrls } from './oauth/authorization-server.ts'
import { openCourier } from './oauth/open-courier.ts'
import { openRevocationFeed } from './oauth/open-revocation-feed.ts'
import { upstreamProviders } from './oauth/upstream/provider.ts'
import { openOutbound, type OutboundWorld } from './outbound/open-outbound.ts'
import { openStore } from './store/open-store.ts'
import { leaveTurn, turnMemory } from './store/sqlite/write-turn.ts'

/** What the world gives: the machine's clock, its randomness, and a place for words. Tests bring their own. */
export interface World {
  readonly clock: Clock
  /** For tests alone: the time that a database shared by several nodes would otherwise tell by itself. */
  readonly databaseClock?: Clock
  readonly entropy: Entropy
  readonly logger: Logger
  /** What hashing a password costs and how many are hashed at a time; by default what this machine bears. */
  readonly hashing?: Hashing
  /** How answers to guesses are held back; by default with the timers of the machine. */
  readonly startTimer?: StartTimer
  /** What leads out of this machine: name servers, roots of trust, timers; by default the machine's own. */
  readonly outbound?: OutboundWorld
  /** Who takes mail; by default as the configuration says. */
  readonly mailer?: Mailer
  /** Calls back again and again, every so many seconds, until it is cancelled; without it nothing is done unasked. */
  readonly every?: (callback: () => void, seconds: number) => () => void
  /** Where several threads of one process serve together; alone by default. */
  readonly seat?: Seat
}

/** Memory that the threads of one node share, so that what is promised of a node does not grow with their number. */
export interface Common {
  readonly threads: number
  readonly turns: SharedArrayBuffer
  readonly familyCounts: SharedArrayBuffer
  /** One word: not 0 while passwords have to wait longer than a person does. */
  readonly hashesFull: SharedArrayBuffer
}

export interface Seat {
  readonly common: Common
  /** From 0. */
  readonly thread: number
  /** Hashes for this thread: one thread hashes for all, within the limits of one node. */
  readonly passwords?: PasswordHasher
}

export function commonOf(threads: number): Common {
  const hashesFull = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  return { threads, turns: turnMemory(threads), familyCounts: familyRateMemory(), hashesFull }
}

/** To be called when a thread is gone that did not close what it had: nobody waits for it any longer. */
export function leaveCommon({ turns }: Common, thread: number): void {
  leaveTurn(turns, thread)
}

export interface Pawl {
  readonly issuer: string
  readonly store: Store
  /** Answers one request. Never rejects. */
  readonly handle: Answer
  /** The same for applications alone, without pages: for a port that asks for certificates, as no browser should be. */
  readonly handleApplications: Answer
  /** Answers what a listener could not read as a request. */
  readonly refuse: RefuseUnread
  /** The same as a `fetch` function, for embedding. */
  readonly fetch: FetchFunction
  readonly passwords: PasswordHasher
  /** The parts of an operator's work on this very server. */
  readonly workbench: (operatorName: string) => Workbench
  /** Resolves when all that was left to the background so far has been done. */
  readonly settled: () => Promise<void>
  /** Tries to tell others what is due now. A host that gives `every` need not; one without timers calls it now and then. */
  readonly tellOthers: () => Promise<void>
  /** Answers whoever waits for news, now: the listener is closing, and waits for its last answers. */
  readonly answerWaiting: () => void
  /** Lets answers that are held back go, writes what waits in the background, and closes the store. */
  readonly close: () => Promise<void>
}

/** A server, ready to answer. Rejects with `ConfigRefused` for a key or store that must not be used, or `StoreUnavailable`. */
export async function openPawl(config: Config, world: World): Promise<Pawl> {
  const claimsHook = await loadClaimsHook(config, world.startTimer ?? systemTimer)
  const { store, ...parts } = await openParts(config, world)
  const tasks = background(error => world.logger.error({ err: error }, 'work in the background failed'))
  const codec = tokenCodec(config.masterKeys)
  const signingKeys = await openKeys(store, parts, world)
  const known: Omit<AuthorizationServer, 'courier'> = {
    issuer: config.issuer,
    store,
    ...parts,
    familyRate: familyRate(world.clock.nowMs, config.refreshesPerSecondMax, world.seat?.common.familyCounts),
    stepFamily: familySteps(store.families, world.entropy),
    codec,
    currentKeyId: config.masterKeys.current.id,
    handles: familyHandle(config.masterKeys),
    opaqueAccessTokens: opaqueAccessTokens(codec, config.masterKeys, world.entropy),
    subjects: await openSubjects(store, world.entropy),
    claimsHook,
    requestDecryption: requestDecryption(config.masterKeys),
    dpop: { proofs: dpopProofs(), nonces: dpopNonces(config.masterKeys, config.issuer) },
    urlsOf: endpointUrls(basesOf(config)),
    clientCertificates: config.clientCertificates,
    signingKeys,
    statusLists: openStatusLists(config, { store, signingKeys, entropy: world.entropy }),
    revocations: openRevocationFeed(config, world, { store, startTimer: world.startTimer ?? systemTimer }),
    background: tasks,
    clientKeys: clientKeys({ ...parts, nowMs: world.clock.nowMs, report: line => world.logger.warn({}, line) }),
    clientDocuments: clientDocuments(parts.outbound),
    upstreamProviders: upstreamProviders({ ...parts, issuer: config.issuer, nowMs: world.clock.nowMs }),
    rules: config,
    signInLimits,
    mailer: world.mailer ?? openMailer(config, text => world.logger.warn({}, text)),
  }
  return assemble({ ...known, courier: openCourier(known) }, world, tasks)
}

/** Where this server is reached: by its own name, and by the one under which clients show certificates. */
function basesOf({ issuer, clientCertificates }: Config): readonly string[] {
  const url = clientCertificates?.url ?? null
  return url === null ? [issuer] : [issuer, url]
}

/** Development speaks to its own machine, so that applications on it can be fetched from and posted to. */
function outboundRules({ development, privateHosts }: Config): OutboundRules {
  return { allowsLoopback: development, privateHosts: new Set(privateHosts) }
}

type KeyParts = Pick<AuthorizationServer, 'sealer' | 'firstKeyPublishSeconds'>

/** The signing keys; where they do not open, the store is closed, and a master key that is missing is said so. */
async function openKeys(store: Store, parts: KeyParts, world: World): Promise<SigningKeys> {
  try {
    return await openSigningKeys({
      store: store.signingKeys,
      sealer: parts.sealer,
      firstPublishSeconds: parts.firstKeyPublishSeconds,
      entropy: world.entropy,
      now: () => store.now(),
      report: error => world.logger.warn({ err: error }, 'the signing keys could not be read again'),
    })
  } catch (cause) {
    await store.close()
    throw cause instanceof UnusableMasterKey ? new ConfigRefused(cause.message, { cause }) : cause
  }
}

/** The parts for an operator's command: fast to open, no signing keys, no endpoints. */
export async function openWorkbench(
  config: Config,
  world: World,
  operatorName: string,
): Promise<{ readonly workbench: Workbench; readonly close: () => Promise<void> }> {
  const parts = await openParts(config, world)
  return { workbench: workbenchOf(parts, operatorName), close: () => parts.store.close() }
}

async function openParts(config: Config, world: World) {
  const { entropy } = world
  const store = await openTheStore(config, world)
  const misfit = await checkMasterKeys(store, config.masterKeys)
  if (misfit !== null) {
    await store.close()
    throw new ConfigRefused(misfit)
  }
  const { masterKeys } = config
  return {
    store,
    entropy,
    hasher: keyedHasher(masterKeys, entropy),
    sealer: sealer(masterKeys, entropy),
    passwords: world.seat?.passwords ?? hasherOf(world),
    outbound: openOutbound(outboundRules(config), world.outbound),
    // In development nobody keeps an old JWKS, and nobody waits.
    firstKeyPublishSeconds: config.development ? 0 : publishSecondsMin,
  }
}

function hasherOf({ entropy, hashing, seat }: World): PasswordHasher {
  const hasher = argon2Hasher(entropy, hashing ?? hashingOn(availableParallelism()))
  if (seat === undefined) return hasher
  const full = new Int32Array(seat.common.hashesFull)
  return tellingHasher(hasher, isFull => Atomics.store(full, 0, isFull ? 1 : 0))
}

async function openTheStore(config: Config, world: World): Promise<Store> {
  const { seat, logger } = world
  const turn = seat && { memory: seat.common.turns, thread: seat.thread }
  try {
    return await openStore(config.place, { ...world, turn, report: warning => logger.warn({}, warning) })
  } catch (cause) {
    throw cause instanceof StoreRefused ? new ConfigRefused(cause.message, { cause }) : cause
  }
}

function assemble(server: AuthorizationServer, world: World, tasks: Background): Pawl {
  const { store } = server
  const { nowMs } = world.clock
  const delay = failureDelay(nowMs, { startTimer: world.startTimer, threads: world.seat?.common.threads ?? 1 })
  const parts: RouterParts = {
    newRequestId: () => newRequestId(world.entropy),
    nowMs,
    isAllowedOrigin: origin => store.clients.hasOrigin(origin),
    accessLog: accessLog(world.logger, nowMs),
    failureDelay: delay,
    onRefusal: keepRefusals(store, tasks, nowMs),
  }
  const handle = route(publicRoutes(server, parts), parts)
  const handleApplications = route(applicationRoutes(server, parts), parts)
  const refuse = refuseUnread(parts)
  // What another process wrote, or what failed a while ago, wakes nobody.
  const stopAsking = world.every?.(server.courier.wake, courierWakesSeconds)
  return {
    issuer: server.issuer,
    store,
    handle,
    handleApplications,
    refuse,
    fetch: fetchListener(handle, refuse),
    passwords: server.passwords,
    workbench: operatorName => workbenchOf(server, operatorName),
    settled: () => tasks.drain(),
    tellOthers: async () => {
      server.courier.wake()
      await tasks.drain()
    },
    answerWaiting: server.revocations.feed.stop,
    close: async () => {
      stopAsking?.()
      server.courier.stop()
      await close(server, tasks, delay)
    },
  }
}

async function close({ store, revocations }: AuthorizationServer, tasks: Background, delay: FailureDelay) {
  revocations.feed.stop()
  delay.release()
  await tasks.drain()
  await store.close()
}

function keepRefusals(store: Store, tasks: Background, nowMs: () => number): RouterParts['onRefusal'] {
  const keep = refusalLog(store.refusals, tasks)
  return (error, request, requestId) =>
    keep({
      requestId,
      atMs: nowMs(),
      endpoint: request.path,
      code: error.code,
      detail: error.detail,
      ...error.context,
      address: request.address,
    })
}
