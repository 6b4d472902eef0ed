/**
 * The token says where it belongs. Prefix, then base64url of 57 bytes: version 1, kind 1, key id 1, family id 16,
 * generation 4, reserved 2, tag A 16, tag B 16. Both tags are truncated HMAC-SHA-256 over the prefix and the bytes
 * before them: A under a key derived from the master key, so that garbage is refused without the store; B under the
 * row's seed, so that neither the database nor the master key alone can make a token. Everything is derived: minting
 * the same generation again gives the same text.
 */

import { timingSafeEqual } from 'node:crypto'
import { type FamilyId, generationMax } from '@pawl/family'
import { writeHmac } from '../keys/hmac.ts'
import { deriveKey, type MasterKeys } from '../keys/master-keys.ts'
import { type Unprintable, unprintable } from '../keys/unprintable.ts'
import { familyIdBytes, readFamilyId, writeFamilyId } from './family-id-bytes.ts'

export type TokenKind = 'refresh_token' | 'authorization_code' | 'device_code' | 'access_token'

/** What a token is made from; a family fits. */
export interface TokenOrigin {
  readonly id: FamilyId
  readonly seed: Uint8Array
  readonly keyId: number
  readonly generation: number
}

/** A token whose tag A is ours. It is as good as the token itself once `provesSeed` says yes, so it does not print. */
export interface Presented extends Unprintable {
  readonly kind: TokenKind
  readonly familyId: FamilyId
  readonly generation: number
  readonly keyId: number
  /** Prefix and all 57 bytes. */
  readonly bytes: Uint8Array
}

export interface TokenCodec {
  /** Throws a RangeError where the origin cannot have such a token: unknown key id, or a generation the kind never has. */
  readonly mint: (kind: TokenKind, origin: TokenOrigin) => string
  /** Null on anything but the exact text of a token of this kind under a master key we have. Never throws. */
  readonly parse: (kind: TokenKind, text: string) => Presented | null
  /** Tag B, in constant time: the token was made for the row that holds this seed. */
  readonly provesSeed: (presented: Presented, seed: Uint8Array) => boolean
}

/** The kind its prefix claims. Nothing is checked: a hint where to look, never a decision. */
export function kindOf(text: string): TokenKind | null {
  const prefix = text.slice(0, prefixBytes)
  for (const kind of tokenKinds) if (formats[kind].prefix === prefix) return kind
  return null
}

/** The codec writes into space of its own between calls, so it must not be entered twice at once; it never awaits. */
export function tokenCodec(keys: MasterKeys): TokenCodec {
  const tagKeys = new Map(keys.all.map(key => [key.id, deriveKey(key, 'token tag')]))
  const scratch = Buffer.alloc(framedBytes)
  // Cut once: each view costs as much as a fifth of an HMAC, and a refresh would cut five of them.
  const head = scratch.subarray(0, tagAOffset)
  const tagA = scratch.subarray(tagAOffset, tagBOffset)
  const tagB = scratch.subarray(tagBOffset)

  return {
    mint: (kind, origin) => {
      const tagKey = tagKeys.get(origin.keyId)
      if (tagKey === undefined) throw new RangeError(`master key ${origin.keyId} is not among those given`)
      writeHead(scratch, kind, origin)
      writeHmac({ key: tagKey, message: head }, scratch, tagAOffset, tagBytes)
      writeHmac({ key: origin.seed, message: head }, scratch, tagBOffset, tagBytes)
      return formats[kind].prefix + scratch.toString('base64url', prefixBytes)
    },
    parse: (kind, text) => {
      if (!readText(scratch, kind, text) || !isHeadOf(scratch, kind)) return null
      const tagKey = tagKeys.get(scratch[keyIdOffset] ?? 0)
      return tagKey !== undefined && isTagOf(head, tagA, tagKey) ? presentedBy(scratch, kind) : null
    },
    provesSeed: (presented, seed) => {
      scratch.set(presented.bytes)
      return isTagOf(head, tagB, seed)
    },
  }
}

const version = 1
const prefixBytes = 8
const tagBytes = 16

/** Offsets count from the prefix, which the tags cover. */
const versionOffset = prefixBytes
const kindOffset = versionOffset + 1
const keyIdOffset = kindOffset + 1
const familyIdOffset = keyIdOffset + 1
const generationOffset = familyIdOffset + familyIdBytes
const reservedOffset = generationOffset + 4
const tagAOffset = reservedOffset + 2
const tagBOffset = tagAOffset + tagBytes
const framedBytes = tagBOffset + tagBytes

/** 57 bytes are 76 characters without slack bits. */
const encodedCharacters = ((framedBytes - prefixBytes) * 4) / 3
export const tokenCharacters = prefixBytes + encodedCharacters

interface Format {
  readonly prefix: string
  readonly code: number
  readonly generationMin: number
  readonly generationMax: number
}

const formats: { readonly [kind in TokenKind]: Format } = {
  refresh_token: { prefix: 'pawl_rt_', code: 1, generationMin: 1, generationMax },
  authorization_code: { prefix: 'pawl_ac_', code: 2, generationMin: 0, generationMax: 0 },
  device_code: { prefix: 'pawl_dc_', code: 3, generationMin: 0, generationMax: 0 },
  access_token: { prefix: 'pawl_at_', code: 4, generationMin: 0, generationMax },
}

const tokenKinds = ['refresh_token', 'authorization_code', 'device_code', 'access_token'] as const

function writeHead(target: Buffer, kind: TokenKind, origin: TokenOrigin): void {
  const format = formats[kind]
  const { generation } = origin
  if (!(generation >= format.generationMin && generation <= format.generationMax)) {
    throw new RangeError(`generation ${generation} has no ${kind}`)
  }
  target.write(format.prefix, 0, 'latin1')
  target[versionOffset] = version
  target[kindOffset] = format.code
  target[keyIdOffset] = origin.keyId
  writeFamilyId(origin.id, target, familyIdOffset)
  target.writeUInt32BE(generation, generationOffset)
  target.writeUInt16BE(0, reservedOffset)
}

/**
 * Decodes into the target; false unless encoding gives the very same text. Comparing the texts is no secret's business:
 * both are what the caller sent.
 */
function readText(target: Buffer, kind: TokenKind, text: string): boolean {
  const { prefix } = formats[kind]
  if (text.length !== tokenCharacters || !text.startsWith(prefix)) return false
  const encoded = text.slice(prefixBytes)
  target.write(prefix, 0, 'latin1')
  const written = target.write(encoded, prefixBytes, 'base64url')
  return written === framedBytes - prefixBytes && target.toString('base64url', prefixBytes) === encoded
}

function isHeadOf(framed: Buffer, kind: TokenKind): boolean {
  return (
    framed[versionOffset] === version &&
    framed[kindOffset] === formats[kind].code &&
    framed.readUInt16BE(reservedOffset) === 0
  )
}

function presentedBy(framed: Buffer, kind: TokenKind): Presented {
  return {
    ...unprintable,
    kind,
    // Tag A has just shown that we wrote these bytes, and `mint` writes family ids only.
    familyId: readFamilyId(framed, familyIdOffset) as FamilyId,
    generation: framed.readUInt32BE(generationOffset),
    keyId: framed[keyIdOffset] ?? 0,
    bytes: Buffer.from(framed),
  }
}

const expectedTag = Buffer.alloc(tagBytes)

function isTagOf(head: Uint8Array, tag: Uint8Array, key: Uint8Array): boolean {
  writeHmac({ key, message: head }, expectedTag, 0, tagBytes)
  return timingSafeEqual(expectedTag, tag)
}
