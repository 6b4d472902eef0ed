/**
 * The mark a browser gets at its first sign-in to an account, so that strangers who try that account's passwords cannot
 * lock the owner out of the browsers the owner uses. It proves nothing else: it signs nobody in. One cookie holds one
 * random device id and a keyed hash per account; nothing is stored.
 */

import { timingSafeEqual } from 'node:crypto'
import type { Entropy } from '../entropy.ts'

export interface KeyOf {
  /** A keyed hash, one-way and the same each time, of `text` for one purpose. */
  readonly keyOf: (purpose: string, text: string) => string
}

export interface DeviceMeans {
  readonly hashes: KeyOf
  readonly entropy: Entropy
}

/** A browser that a family shares keeps the last four. */
export const accountsPerDeviceMax = 4
const deviceIdBytes = 16
const cookieCharactersMax = 512
const idPattern = /^[A-Za-z0-9_-]{22}$/

/** The device id where this cookie belongs to a browser that has signed in to the account before; else null. */
export function knownDevice(hashes: KeyOf, cookie: string | null, accountKey: string): string | null {
  const device = parse(cookie)
  if (device === null) return null
  const expected = tagOf(hashes, device.id, accountKey)
  return device.tags.some(tag => isEqual(tag, expected)) ? device.id : null
}

/** The cookie after a sign-in to the account: the same device, this account first, the least recent one forgotten. */
export function rememberDevice(means: DeviceMeans, cookie: string | null, accountKey: string): string {
  const device = parse(cookie) ?? { id: newDeviceId(means.entropy), tags: [] }
  const tag = tagOf(means.hashes, device.id, accountKey)
  const others = device.tags.filter(other => !isEqual(other, tag))
  return [device.id, tag, ...others.slice(0, accountsPerDeviceMax - 1)].join('.')
}

function parse(cookie: string | null): { readonly id: string; readonly tags: readonly string[] } | null {
  if (cookie === null || cookie.length > cookieCharactersMax) return null
  const [id = '', ...tags] = cookie.split('.')
  if (!idPattern.test(id) || tags.length > accountsPerDeviceMax) return null
  return { id, tags }
}

function tagOf(hashes: KeyOf, deviceId: string, accountKey: string): string {
  return hashes.keyOf('known-device', `${deviceId} ${accountKey}`)
}

function newDeviceId(entropy: Entropy): string {
  return Buffer.from(entropy.bytes(deviceIdBytes)).toString('base64url')
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
