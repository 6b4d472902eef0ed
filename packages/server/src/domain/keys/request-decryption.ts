/**
 * The keys that request objects are encrypted to (RFC 9101 §6.1): one P-256 key for each master key, derived from it, so
 * that every node has the same ones and none of them is kept anywhere. They only hide what a client sends; who sent it is
 * proven by the signature inside.
 */

import { createECDH, createPrivateKey, hash, type KeyObject } from 'node:crypto'
import { compactDecrypt, decodeProtectedHeader, errors } from 'jose'
import { deriveKey, type MasterKey, type MasterKeys } from './master-keys.ts'

export const requestKeyAlgorithms = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'] as const
export const requestContentAlgorithms = ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'] as const

export interface EncryptionJwk {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  /** The RFC 7638 thumbprint. */
  readonly kid: string
  readonly use: 'enc'
}

export interface RequestDecryption {
  /** The one to encrypt to: that of the current master key, which every node has before it becomes the current one. */
  readonly jwk: EncryptionJwk
  /** What is inside, or null where it was not encrypted to one of our keys, or was changed on the way. */
  readonly open: (jwe: string) => Promise<string | null>
}

interface DecryptionKey {
  readonly jwk: EncryptionJwk
  readonly privateKey: KeyObject
}

export function requestDecryption(keys: MasterKeys): RequestDecryption {
  const current = decryptionKeyOf(keys.current)
  const others = keys.all.filter(key => key.id !== keys.current.id).map(decryptionKeyOf)
  return {
    jwk: current.jwk,
    open: async jwe => {
      const header = headerOf(jwe)
      if (header === null) return null
      const { kid } = header
      const key = kid === undefined ? current : [current, ...others].find(({ jwk }) => jwk.kid === kid)
      return key === undefined ? null : opened(jwe, key.privateKey)
    },
  }
}

function decryptionKeyOf(master: MasterKey): DecryptionKey {
  const ecdh = createECDH('prime256v1')
  const scalar = scalarOf(master)
  ecdh.setPrivateKey(scalar)
  const point = ecdh.getPublicKey()
  const x = point.subarray(1, 33).toString('base64url')
  const y = point.subarray(33).toString('base64url')
  const members = { crv: 'P-256', kty: 'EC', x, y } as const
  // RFC 7638 §3: the required members in lexicographic order.
  const kid = hash('sha256', JSON.stringify(members), 'base64url')
  const key = { ...members, d: scalar.toString('base64url') }
  return { jwk: { ...members, kid, use: 'enc' }, privateKey: createPrivateKey({ key, format: 'jwk' }) }
}

/** FIPS 186-5 §A.2.2: candidates are tried until one lies between zero and the order of the curve. */
function scalarOf(master: MasterKey): Buffer {
  for (let attempt = 0; ; attempt++) {
    const candidate = Buffer.from(deriveKey(master, `request decryption ${attempt}`))
    const value = BigInt(`0x${candidate.toString('hex')}`)
    if (value > 0n && value < curveOrder) return candidate
  }
}

const curveOrder = 0xffffffff_00000000_ffffffff_ffffffff_bce6faad_a7179e84_f3b9cac2_fc632551n

interface Header {
  readonly kid: string | undefined
}

/**
 * What the header says, or null where it is not one that we could have been sent: the sender's key is a point of our
 * curve and nothing besides, so that no library has to make sense of what a stranger put there.
 */
function headerOf(jwe: string): Header | null {
  const header = decodedHeader(jwe)
  if (header === null) return null
  const { kid, epk, apu, apv } = header
  // A request that has to be compressed is none: what a few bytes swell to is anybody's guess.
  if ('zip' in header) return null
  if (kid !== undefined && typeof kid !== 'string') return null
  if (!isPoint(epk) || !isPartyInfo(apu) || !isPartyInfo(apv)) return null
  return { kid }
}

function decodedHeader(jwe: string): { readonly [name: string]: unknown } | null {
  try {
    return { ...decodeProtectedHeader(jwe) }
  } catch {
    // jose has no other way to say that there is no header to read.
    return null
  }
}

function isPoint(epk: unknown): boolean {
  if (typeof epk !== 'object' || epk === null || Object.keys(epk).length !== 4) return false
  const { kty, crv, x, y } = epk as { readonly [name: string]: unknown }
  return kty === 'EC' && crv === 'P-256' && isCoordinate(x) && isCoordinate(y)
}

/** 32 bytes in base64url, without slack. */
function isCoordinate(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(value)
}

function isPartyInfo(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && /^[A-Za-z0-9_-]{0,512}$/.test(value))
}

async function opened(jwe: string, privateKey: KeyObject): Promise<string | null> {
  const allowed = {
    keyManagementAlgorithms: [...requestKeyAlgorithms],
    contentEncryptionAlgorithms: [...requestContentAlgorithms],
  }
  try {
    const { plaintext } = await compactDecrypt(jwe, privateKey, allowed)
    return Buffer.from(plaintext).toString('utf8')
  } catch (error) {
    // jose says "not for this key, or not as it was" by throwing its own errors; WebCrypto refuses a point that is not on the curve by its own.
    if (error instanceof errors.JOSEError || error instanceof DOMException) return null
    throw error
  }
}
