/**
 * The server's public keys (RFC 7517), imported once and kept. A key that is not there is looked for once a minute at
 * most, whoever asks and however often; while the server is away the keys at hand go on for a while and no longer.
 */

import { importJWK, type JWK } from 'jose'
import { algorithmsOf, type SignatureAlgorithm } from '../algorithms.ts'
import { type Asked, fetchObject, isObject } from '../bounded-fetch.ts'
import { ServerUnavailable } from '../fault.ts'
import { keptDocument } from '../kept-document.ts'
import { condition, type Report } from '../report.ts'
import type { World } from '../world.ts'
import { isSecretJwk, type Jwk, keyIdCharactersMax, plainJwk, weaknessOf } from './public-jwk.ts'

export const jwksBytesMax = 65_536
export const jwksKeysMax = 32
/** So long the keys are used and nobody looks again. A server publishes a key for longer than that before it signs. */
export const keysFreshSeconds = 300
/** So long they go on while the server cannot be reached. */
export const keysStaleSecondsMax = 3600
/** Between two looks for a key that was not there. */
export const unknownKeyPauseSeconds = 60

export interface IssuerKeys {
  /** The key of that id for that algorithm; null where there is none. Rejects with `ServerUnavailable`. */
  readonly find: (keyId: string | null, algorithm: SignatureAlgorithm) => Promise<CryptoKey | null>
  /** Resolves when there are keys; rejects with `ServerUnavailable` where there are none. */
  readonly ready: () => Promise<void>
  readonly ageMs: () => number | null
  readonly failure: () => string | null
}

interface IssuerKey {
  readonly keyId: string | null
  /** Imported for each algorithm that it and the guard are both for. */
  readonly imported: ReadonlyMap<SignatureAlgorithm, CryptoKey>
}

export interface IssuerKeysParts {
  readonly world: World
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly jwksUri: () => Promise<string>
  readonly report: Report
}

export function issuerKeys({ world, algorithms, jwksUri, report }: IssuerKeysParts): IssuerKeys {
  const rules = {
    freshSeconds: keysFreshSeconds,
    staleSecondsMax: keysStaleSecondsMax,
    pauseSeconds: unknownKeyPauseSeconds,
  }
  const load = async (): Promise<readonly IssuerKey[]> => {
    const accept = 'application/jwk-set+json, application/json'
    const asked: Asked = { url: await jwksUri(), accept, bytesMax: jwksBytesMax }
    return importedKeys(await fetchObject(world, asked), algorithms)
  }
  const kept = keptDocument({ world, rules, load, condition: condition('keys', report) })
  return {
    ageMs: kept.ageMs,
    failure: kept.failure,
    ready: async () => {
      await kept.read()
    },
    find: async (keyId, algorithm) => {
      const found = keyAmong(await kept.read(), keyId, algorithm)
      if (found !== null || (keyId !== null && keyId.length > keyIdCharactersMax)) return found
      const newer = await kept.readAgain()
      return newer === null ? null : keyAmong(newer, keyId, algorithm)
    },
  }
}

/** Where the token names no key, or two have one name, there must be exactly one that fits. */
function keyAmong(keys: readonly IssuerKey[], keyId: string | null, algorithm: SignatureAlgorithm): CryptoKey | null {
  const fitting = keys
    .filter(key => keyId === null || key.keyId === keyId)
    .flatMap(({ imported }) => imported.get(algorithm) ?? [])
  return fitting.length === 1 ? (fitting[0] ?? null) : null
}

/**
 * The keys of a set that are for signatures. Kinds that are not known are left out (RFC 7517 §5); a set with a secret or
 * a weak key is refused as a whole, because whoever published it may have lost the others too.
 */
async function importedKeys(
  set: { readonly [name: string]: unknown },
  algorithms: readonly SignatureAlgorithm[],
): Promise<readonly IssuerKey[]> {
  const { keys } = set
  if (!Array.isArray(keys) || keys.length > jwksKeysMax || !keys.every(isObject)) {
    throw new ServerUnavailable(`the key set is no list of at most ${jwksKeysMax} keys`)
  }
  if (keys.some(isSecretJwk)) throw new ServerUnavailable('the key set has a private or symmetric key in it')
  const weakness = keys.map(weaknessOf).find(each => each !== null)
  if (weakness !== undefined) throw new ServerUnavailable(`the key set has a key that is refused: ${weakness}`)
  return Promise.all(keys.filter(isForSignatures).map(jwk => importedKey(jwk, algorithms)))
}

function isForSignatures({ use, key_ops: operations }: Jwk): boolean {
  if (use !== undefined && use !== 'sig') return false
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

async function importedKey(jwk: Jwk, algorithms: readonly SignatureAlgorithm[]): Promise<IssuerKey> {
  const keyId = typeof jwk['kid'] === 'string' ? jwk['kid'] : null
  const imported = new Map<SignatureAlgorithm, CryptoKey>()
  for (const algorithm of algorithmsOf(jwk).filter(each => algorithms.includes(each))) {
    imported.set(algorithm, await importPublicKey(jwk, algorithm))
  }
  return { keyId, imported }
}

/** Rejects with `ServerUnavailable` for members that make no key. */
async function importPublicKey(jwk: Jwk, algorithm: SignatureAlgorithm): Promise<CryptoKey> {
  try {
    const key = await importJWK(plainJwk(jwk) as JWK, algorithm)
    if (key instanceof CryptoKey) return key
  } catch (cause) {
    throw new ServerUnavailable(`the key set has a key that makes no ${algorithm} key`, { cause })
  }
  throw new ServerUnavailable('the key set has a symmetric key in it')
}
