/**
 * The port `domain/outbound/outbound.ts` over Node's own HTTP client. A request passes in order: the URL is judged, a slot
 * is taken, the name is resolved and every address it leads to is judged, and the connection goes to those very addresses,
 * so that no second answer of a name server can lead elsewhere. One deadline covers all of it.
 */

import { type Outbound, OutboundFailed, OutboundRefused, type OutboundRequest } from '../domain/outbound/outbound.ts'
import {
  isLoopbackName,
  judgeOutboundUrl,
  judgeStrangersUrl,
  literalAddress,
  type OutboundRules,
} from '../domain/outbound/outbound-url.ts'
import { addressKind } from '../domain/outbound/special-address.ts'
import { type Deadline, exchange } from './exchange.ts'
import { type ResolveHost, resolveOnMachine, resolvePublicly } from './resolve-host.ts'

/** Requests under way in this process. One more is refused, never queued: who sends has a record and comes again. */
export const outboundUnderWayMax = 64
/** Of these, what strangers can have sent. The rest is for what the operator wants, and for those somebody vouches for. */
export const outboundForStrangersMax = 48
/** Of these, to one host: a slow one must not take the slots of all others. */
export const outboundUnderWayPerHostMax = 8

/** What the world gives for it. By default the machine's name servers, its roots of trust and its timers. */
export interface OutboundWorld {
  readonly resolveHost?: ResolveHost
  /** Certificates in PEM form, in the place of those the machine trusts. */
  readonly trustedRoots?: string
  /** Calls back after so many milliseconds, unless the answer cancels it. */
  readonly startTimer?: (callback: () => void, afterMs: number) => () => void
}

export function openOutbound(rules: OutboundRules, world: OutboundWorld = {}): Outbound {
  const slots = countedSlots()
  return {
    judge: (url, author) => (author === 'stranger' ? judgeStrangersUrl : judgeOutboundUrl)(url, rules),
    send: async request => {
      const refusal = judgeOutboundUrl(request.url, rules)
      if (refusal !== null) throw new OutboundRefused('url', `the URL is refused: ${refusal}`)
      const url = new URL(request.url)
      const release = slots.take(url.host, request.forStranger === true)
      if (release === null) throw new OutboundRefused('busy', `too many requests are under way, one to ${url.host}`)
      const deadline = startDeadline(url, request, world)
      try {
        const addresses = await deadline.within(judgedAddresses(url, rules, world))
        return await exchange({ url, request, addresses, deadline, trustedRoots: world.trustedRoots })
      } catch (error) {
        throw asOutboundError(error, url)
      } finally {
        deadline.clear()
        release()
      }
    },
  }
}

/** Every address the host leads to, all of them judged: a name that leads inside as well as outside is a trap. */
async function judgedAddresses(url: URL, rules: OutboundRules, world: OutboundWorld): Promise<readonly string[]> {
  const { hostname } = url
  const literal = literalAddress(hostname)
  if (literal !== null) return [literal]
  // Nobody is asked where this machine is (RFC 6761 §6.3); that it may be spoken to was settled with the URL.
  if (isLoopbackName(hostname)) return ['127.0.0.1', '::1']
  const isPrivate = rules.privateHosts.has(hostname)
  const resolve = world.resolveHost ?? (isPrivate ? resolveOnMachine : resolvePublicly)
  const addresses = await resolve(hostname)
  if (addresses.length === 0) throw new OutboundFailed(`${hostname} has no address`)
  const isAllowed = isPrivate || addresses.every(address => addressKind(address) === 'public')
  if (isAllowed) return addresses
  throw new OutboundRefused('address', `${hostname} leads to an address that is not on the public internet`)
}

interface RunningDeadline extends Deadline {
  /** Rejects when the time is over, whatever becomes of the work. */
  readonly within: <T>(work: Promise<T>) => Promise<T>
  readonly clear: () => void
}

function startDeadline(url: URL, { secondsMax }: OutboundRequest, world: OutboundWorld): RunningDeadline {
  const controller = new AbortController()
  const { signal } = controller
  const startTimer = world.startTimer ?? systemTimer
  const over = new OutboundRefused('time', `${url.host} did not answer within ${secondsMax} seconds`)
  const cancel = startTimer(() => controller.abort(over), secondsMax * 1000)
  return {
    signal,
    over,
    within: work =>
      new Promise((resolve, reject) => {
        const stop = () => reject(over)
        if (signal.aborted) stop()
        signal.addEventListener('abort', stop, { once: true })
        work.then(resolve, reject)
      }),
    clear: cancel,
  }
}

function systemTimer(callback: () => void, afterMs: number): () => void {
  const timer = setTimeout(callback, afterMs)
  return () => clearTimeout(timer)
}

function asOutboundError(error: unknown, url: URL): Error {
  if (error instanceof OutboundRefused || error instanceof OutboundFailed) return error
  return new OutboundFailed(`${url.host} could not be reached`, { cause: error })
}

interface Slots {
  /** The function that gives the slot back, or null when there is none. */
  readonly take: (host: string, forStranger: boolean) => (() => void) | null
}

function countedSlots(): Slots {
  const byHost = new Map<string, number>()
  let all = 0
  let forStrangers = 0
  return {
    take: (host, forStranger) => {
      const ofHost = byHost.get(host) ?? 0
      if (all >= outboundUnderWayMax || ofHost >= outboundUnderWayPerHostMax) return null
      if (forStranger && forStrangers >= outboundForStrangersMax) return null
      all += 1
      forStrangers += forStranger ? 1 : 0
      byHost.set(host, ofHost + 1)
      return () => {
        all -= 1
        forStrangers -= forStranger ? 1 : 0
        const left = (byHost.get(host) ?? 1) - 1
        if (left === 0) byHost.delete(host)
        else byHost.set(host, left)
      }
    },
  }
}
