/**
 * A custody key that a key management service keeps wrapped: what lies in the configuration is worth nothing without the
 * service, and the service is asked once, at the start. Any service will do: `unwrap` is a few lines on its own client.
 */

import { type CustodyKey, custodyKeyFrom } from '../custody/custody-key.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { CustodyKeyUnavailable } from './custody-key-unavailable.ts'
import { judgeKey } from './key-bytes.ts'
import { within } from './within.ts'

export interface KmsKeyOptions<Wrapped> {
  /** 32 random bytes each, wrapped by the service; the current one first. */
  readonly wrapped: readonly [Wrapped, ...Wrapped[]]
  /** Asks the service. The signal is aborted when the time is over. The bytes it answers are wiped after use. */
  readonly unwrap: (wrapped: Wrapped, signal: AbortSignal) => Promise<Uint8Array>
  /** For all keys together. */
  readonly seconds?: number
  readonly clock?: HolderClock
}

export const kmsSecondsMax = 10

/**
 * The unwrapped key; it is in no log and in no message. Rejects with `CustodyKeyUnavailable` when the service refuses, does
 * not answer in time (try again later), or answers something that is no key.
 */
export async function kmsCustodyKey<Wrapped>(options: KmsKeyOptions<Wrapped>): Promise<CustodyKey> {
  const { wrapped, unwrap, seconds = kmsSecondsMax, clock = machineClock } = options
  const keys = await within(seconds, clock, signal =>
    Promise.all(wrapped.map((each, at) => unwrapped(() => unwrap(each, signal), at + 1))),
  )
  if (keys === null) throw new CustodyKeyUnavailable('unreachable', silent(seconds))
  const [current, ...older] = keys
  try {
    return await custodyKeyFrom(current as Uint8Array<ArrayBuffer>, ...older)
  } finally {
    for (const each of keys) each.fill(0)
  }
}

async function unwrapped(unwrap: () => Promise<Uint8Array>, position: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await asked(unwrap, position)
  try {
    return judgeKey(bytes, `What the key management service unwrapped as key ${position}`)
  } finally {
    bytes.fill(0)
  }
}

async function asked(unwrap: () => Promise<Uint8Array>, position: number): Promise<Uint8Array> {
  try {
    return await unwrap()
  } catch (cause) {
    const what = `The key management service did not unwrap key ${position}. Nothing is lost: try again when it does.`
    throw new CustodyKeyUnavailable('unreachable', what, { cause })
  }
}

function silent(seconds: number): string {
  return `The key management service did not answer within ${seconds} s. Nothing is lost: try again when it does.`
}
