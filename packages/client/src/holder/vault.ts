/**
 * What is kept, opened and sealed: the store with the custody key before it. A record opens only for the issuer and the
 * client it was sealed for, so a configuration that names another server finds nothing it could send there.
 */

import { encodeBase64Url, type Place } from '../custody/custody-key.ts'
import { grantNameCharactersMax, type KeptRecord, type Lease } from '../custody/custody-store.ts'
import { drawBytes } from '../custody/entropy.ts'
import { type KeptGrant, readKeptGrant } from '../custody/kept-grant.ts'
import { dpopKeyOf, exportDpopKey } from './dpop-key.ts'
import { CustodyFailed } from './custody-failed.ts'
import type { Custody } from './holder.ts'
import { issuerOf } from './server.ts'

/** A grant as it stands in the store. */
export interface Kept {
  readonly grant: KeptGrant
  readonly version: string
  readonly dpopKey: CryptoKeyPair | null
}

export interface Vault {
  load(name: string): Promise<Kept | null>
  /** The version of what is there, whether or not it opens. */
  versionOf(name: string): Promise<string | null>
  /**
   * Answers what was saved, with the retry key of its refresh token, or null when the store had moved. Rejects when the
   * outcome is unknown; the same record may be saved again, and is recognised by its version.
   */
  save(name: string, kept: Kept, ifVersion: string | null): Promise<Kept | null>
  lease(name: string, seconds: number): Promise<Lease | null>
  /** False when the store had moved. */
  remove(name: string, ifVersion: string): Promise<boolean>
}

/** Every failure of the store or the key comes out as `CustodyFailed`. */
export function openVault(custody: Custody): Vault {
  const { store } = custody
  const guard = async <T>(name: string, what: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (cause) {
      throw new CustodyFailed(name, what, { cause })
    }
  }
  return {
    load: name =>
      guard(name, 'could not be loaded', async () => {
        const record = await store.load(checkName(name))
        return record === null ? null : await opened(custody, name, record)
      }),
    versionOf: name =>
      guard(name, 'could not be loaded', async () => (await store.load(checkName(name)))?.version ?? null),
    save: (name, kept, ifVersion) =>
      guard(name, 'could not be saved', async () => {
        const whole = { ...kept, grant: await withRetryKey(custody, kept.grant) }
        const record = await sealed(custody, name, whole)
        return (await store.save(checkName(name), record, ifVersion)) === 'saved' ? whole : null
      }),
    lease: (name, seconds) => guard(name, 'could not be leased', () => store.lease(name, seconds)),
    remove: (name, ifVersion) =>
      guard(name, 'could not be removed', async () => (await store.remove(name, ifVersion)) === 'removed'),
  }
}

function checkName(name: string): string {
  if (name === '' || name.length > grantNameCharactersMax) {
    throw new RangeError(`the name of a grant has 1 to ${grantNameCharactersMax} characters`)
  }
  return name
}

const versionBytes = 16

/** Made when the token is stored, so that a later custody key does not change what goes with it. */
async function withRetryKey({ custodyKey }: Custody, grant: KeptGrant): Promise<KeptGrant> {
  if (grant.refreshToken === null || grant.retryKey !== null) return grant
  return { ...grant, retryKey: await custodyKey.retryKeyFor(grant.refreshToken) }
}

/** Drawn, never counted: a version that was removed must not come again. */
export function newVersion(): string {
  return encodeBase64Url(drawBytes(versionBytes))
}

async function sealed(custody: Custody, name: string, { grant, version, dpopKey }: Kept): Promise<KeptRecord> {
  const { store, custodyKey } = custody
  const forgetAtMs = forgettableAtMs(custody, grant)
  const rest = { version, ...(forgetAtMs === null ? {} : { expiresAtMs: forgetAtMs }) }
  if (dpopKey === null || store.keepsKeys) {
    const text = await custodyKey.seal(JSON.stringify(grant), placeOf(custody, name, version))
    return dpopKey === null ? { ...rest, sealed: text } : { ...rest, sealed: text, key: dpopKey }
  }
  const withKey: KeptGrant = { ...grant, dpopJwk: await exportDpopKey(dpopKey) }
  return { ...rest, sealed: await custodyKey.seal(JSON.stringify(withKey), placeOf(custody, name, version)) }
}

/** The clocks of issuer, store and machine may differ by so much before a record is forgotten too early. */
const forgetMarginMs = 86_400_000
/** So long it is remembered why a grant ended. */
export const endedSeconds = 30 * 86_400

function forgettableAtMs({ keepSeconds }: Custody, grant: KeptGrant): number | null {
  const { end, refreshedAtMs, idleExpiresAtMs, absoluteExpiresAtMs } = grant
  if (end !== null) return end.atMs + endedSeconds * 1000
  const ends = [idleExpiresAtMs, absoluteExpiresAtMs].flatMap(each => (each === null ? [] : [each + forgetMarginMs]))
  if (keepSeconds !== undefined) ends.push(refreshedAtMs + keepSeconds * 1000)
  return ends.length === 0 ? null : Math.min(...ends)
}

async function opened(custody: Custody, name: string, record: KeptRecord): Promise<Kept> {
  const { version, key } = record
  const text = await custody.custodyKey.open(record.sealed, placeOf(custody, name, version))
  const grant = readKeptGrant(text)
  return { grant, version, dpopKey: key ?? (await dpopKeyOf(grant.dpopJwk)) }
}

function placeOf(custody: Custody, name: string, version: string): Place {
  return { issuer: issuerOf(custody), clientId: custody.client.client_id, name, version }
}
