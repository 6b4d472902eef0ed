/**
 * Secrets that need not be read back are kept as keyed hashes: HMAC-SHA-256 under a key derived from the master key, so
 * that a copy of the database verifies no guess. The secrets are ours, 256 random bits, so one hash is enough (no
 * stretching: nobody guesses them). Each names the master key it was made under in its first byte, and so does its hash.
 */

import { timingSafeEqual } from 'node:crypto'
import type { Entropy } from '../entropy.ts'
import { hmacBytes, hmacSha256, writeHmac } from './hmac.ts'
import { deriveKey, type MasterKey, type MasterKeys } from './master-keys.ts'

export type SecretKind =
  | 'client_secret'
  | 'session'
  | 'browser'
  | 'device'
  /** Opens registration (RFC 7591 §1.2). */
  | 'initial_access_token'
  /** Manages one registration (RFC 7592 §1.2). */
  | 'registration_access_token'

const randomBytes = 32
const secretBytes = 1 + randomBytes
/** 33 bytes are 44 characters without slack bits. */
const secretCharacters = 44

export interface NewSecret {
  /** For its owner's eyes, once. */
  readonly secret: string
  readonly hash: string
}

export interface KeyedHasher {
  readonly newSecret: (kind: SecretKind) => NewSecret
  /** Null when the text is no secret of this kind or its master key is gone. */
  readonly hashOf: (kind: SecretKind, secret: string) => string | null
  /**
   * The hash under every master key, the current one first, whichever the secret was made under: what is kept of it can
   * be hashed anew before a key is retired. What is no secret costs the same and gets what no secret ever hashes to.
   */
  readonly hashesOf: (kind: SecretKind, secret: string) => readonly string[]
  /** Compares hashes in constant time. */
  readonly same: (one: string, other: string) => boolean
  /** A name for something that should not stand in a table as itself. Changes when the current master key does. */
  readonly keyOf: (purpose: string, text: string) => string
  /** The same name under every master key, the current one first: to find what was named under an older one. */
  readonly keysOf: (purpose: string, text: string) => readonly string[]
  /** The hash of no secret, to compare with where there is no client: both cases then cost the same. */
  readonly dummyHash: string
}

export function keyedHasher(keys: MasterKeys, entropy: Entropy): KeyedHasher {
  const byId = new Map(keys.all.map(key => [key.id, key]))

  function newSecret(kind: SecretKind): NewSecret {
    const bytes = Buffer.concat([Uint8Array.of(keys.current.id), entropy.bytes(randomBytes)])
    return { secret: prefixOf(kind) + bytes.toString('base64url'), hash: hashUnder(keys.current, kind, bytes) }
  }

  return {
    newSecret,
    hashOf: (kind, secret) => {
      const bytes = secretBytesOf(kind, secret)
      const key = byId.get(bytes?.[0] ?? 0)
      return bytes === null || key === undefined ? null : hashUnder(key, kind, bytes)
    },
    hashesOf: (kind, secret) => {
      const bytes = secretBytesOf(kind, secret)
      return keys.all.map(key => (bytes === null ? nameUnder(key, 'malformed', secret) : hashUnder(key, kind, bytes)))
    },
    same: sameText,
    keyOf: (purpose, text) => nameUnder(keys.current, purpose, text),
    keysOf: (purpose, text) => keys.all.map(key => nameUnder(key, purpose, text)),
    dummyHash: newSecret('client_secret').hash,
  }
}

const hashPurposes: { readonly [kind in SecretKind]: string } = {
  client_secret: 'keyed hash client_secret',
  session: 'keyed hash session',
  browser: 'keyed hash browser',
  device: 'keyed hash device',
  initial_access_token: 'keyed hash initial_access_token',
  registration_access_token: 'keyed hash registration_access_token',
}

/** What leaves this server to be kept by others is found by secret scanners by its prefix. */
const prefixes: { readonly [kind in SecretKind]?: string } = {
  client_secret: 'pawl_cs_',
  initial_access_token: 'pawl_iat_',
  registration_access_token: 'pawl_rat_',
}

function prefixOf(kind: SecretKind): string {
  return prefixes[kind] ?? ''
}

function secretBytesOf(kind: SecretKind, secret: string): Buffer | null {
  const prefix = prefixOf(kind)
  if (secret.length !== prefix.length + secretCharacters || !secret.startsWith(prefix)) return null
  const text = secret.slice(prefix.length)
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === secretBytes && bytes.toString('base64url') === text ? bytes : null
}

function hashUnder(key: MasterKey, kind: SecretKind, bytes: Uint8Array): string {
  const hash = Buffer.allocUnsafe(1 + hmacBytes)
  hash[0] = key.id
  writeHmac({ key: deriveKey(key, hashPurposes[kind]), message: bytes }, hash, 1, hmacBytes)
  return hash.toString('base64url')
}

function nameUnder(key: MasterKey, purpose: string, text: string): string {
  const message = Buffer.from(`${purpose.length} ${purpose} ${text}`)
  return hmacSha256(deriveKey(key, 'keyed name'), message).toString('base64url')
}

function sameText(one: string, other: string): boolean {
  const bytes = Buffer.from(one)
  const others = Buffer.from(other)
  return bytes.length === others.length && timingSafeEqual(bytes, others)
}
