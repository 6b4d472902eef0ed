/**
 * Grants in the keystore of a phone, and the custody key that seals them, for one application process: neither Keychain nor
 * Keystore can compare, so whoever shares the items of another process (an extension, say) must not refresh there. What
 * lies in the Keychain of iOS outlives the application: after it was installed again, its grants are there.
 */

import { type CustodyKey, custodyKeyBytes, custodyKeyFrom, encodeBase64Url } from '../custody/custody-key.ts'
import type { CustodyStore, KeptRecord } from '../custody/custody-store.ts'
import { drawBytes } from '../custody/entropy.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { parseKey } from '../keys/key-bytes.ts'
import { readNote, readText, removeText, writeText } from './chunked-items.ts'
import { isLeaseOver, type LeaseTime, leaseTimeFrom } from './lease-time.ts'
import {
  type ExpoSecureStore,
  expoItems,
  keychainItems,
  type ReactNativeKeychain,
  type SecretItems,
} from './secret-items.ts'

export interface PhoneCustody {
  readonly store: CustodyStore
  /** Drawn at first use. Rejects with `CustodyKeyUnavailable` when what is kept there is no key. */
  custodyKey(): Promise<CustodyKey>
}

export interface PhoneOptions {
  /** Under which name the items lie in the keystore; another one for each set of grants. */
  readonly service?: string
  readonly clock?: HolderClock
}

/** On `import * as SecureStore from 'expo-secure-store'`. Make one per service and share it. */
export function expoCustody(module: ExpoSecureStore, { service, clock }: PhoneOptions = {}): PhoneCustody {
  return phoneCustody(expoItems(module, service), clock)
}

/** On `import * as Keychain from 'react-native-keychain'`. Make one per service and share it. */
export function keychainCustody(module: ReactNativeKeychain, { service, clock }: PhoneOptions = {}): PhoneCustody {
  return phoneCustody(keychainItems(module, service), clock)
}

function phoneCustody(items: SecretItems, clock = machineClock): PhoneCustody {
  return {
    store: phoneStore(items, clock),
    custodyKey: () => items.alone(() => findKey(items)),
  }
}

interface PhoneLease extends LeaseTime {
  readonly token: object
}

function phoneStore(items: SecretItems, clock: HolderClock): CustodyStore {
  const leases = new Map<string, PhoneLease>()
  const versionOf = (note: string | null) => (note === null ? null : (livingNote(note, clock)?.version ?? null))
  return {
    keepsKeys: false,
    load: name =>
      items.alone(async () => {
        const found = await readText(items, keyOf(name))
        const note = found === null ? null : livingNote(found.note, clock)
        return found === null || note === null ? null : { ...note, sealed: found.text }
      }),
    save: (name, { version, sealed, expiresAtMs }, ifVersion) =>
      items.alone(async () => {
        if (versionOf(await readNote(items, keyOf(name))) !== ifVersion) return 'moved'
        const note: Note = { version, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
        await writeText(items, keyOf(name), { note: JSON.stringify(note), text: sealed })
        return 'saved'
      }),
    remove: (name, ifVersion) =>
      items.alone(async () => {
        if (versionOf(await readNote(items, keyOf(name))) !== ifVersion) return 'moved'
        await removeText(items, keyOf(name))
        return 'removed'
      }),
    async lease(name, seconds) {
      const standing = leases.get(name)
      if (standing !== undefined && !isLeaseOver(standing, clock.nowMs())) return null
      const token = {}
      leases.set(name, { ...leaseTimeFrom(clock.nowMs(), seconds), token })
      return {
        async release() {
          if (leases.get(name)?.token === token) leases.delete(name)
        },
      }
    },
  }
}

type Note = Pick<KeptRecord, 'version' | 'expiresAtMs'>

function livingNote(text: string, clock: HolderClock): Note | null {
  const note = JSON.parse(text) as Note
  return (note.expiresAtMs ?? Number.POSITIVE_INFINITY) <= clock.nowMs() ? null : note
}

/** Any name in the characters that both libraries take; two names never come to the same. */
function keyOf(name: string): string {
  return `grant-${encodeBase64Url(Uint8Array.from([...units(name)].flatMap(unit => [unit >> 8, unit & 0xff])))}`
}

function* units(name: string): Iterable<number> {
  for (let at = 0; at < name.length; at++) yield name.charCodeAt(at)
}

const rootKey = 'custody-key'

async function findKey(items: SecretItems): Promise<CustodyKey> {
  if ((await items.get(rootKey)) === null) await items.set(rootKey, encodeBase64Url(drawBytes(custodyKeyBytes)))
  // What the keystore gives back is the key, so that nothing is sealed under one that it has not kept.
  return custodyKeyFrom(parseKey((await items.get(rootKey)) ?? '', 'The custody key of this application'))
}
