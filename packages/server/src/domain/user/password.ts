/**
 * Passwords: how a text becomes what is hashed, and argon2id (RFC 9106) behind a port. Hashing is meant to be slow, so
 * it is bounded: a few at once, a short queue, and beyond that an honest "too busy", so that a flood of sign-ins never
 * takes the threads and cores that refreshes need.
 */

import { argon2, timingSafeEqual } from 'node:crypto'
import type { Entropy } from '../entropy.ts'
import { hashesRunningMax, hashesWaitingMax } from './hashing-limits.ts'

/** Characters are code points, after normalisation (NIST SP 800-63B §3.1.1.2). */
export const passwordCharactersMin = 8
export const passwordCharactersMax = 1024
/** NFC makes a text shorter by a few units a character at most; beyond this, nothing that fits comes out. */
const passwordUnitsMax = passwordCharactersMax * 4

/** What one hash costs. */
export interface Argon2Cost {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

/** The OWASP floor for argon2id: 19 MiB, 2 passes, 1 lane. About 80 ms of one core of a small cloud machine. */
export const argon2Cost: Argon2Cost = { memoryKib: 19_456, passes: 2, lanes: 1 }
const saltBytes = 16
const tagBytes = 32

export const tooBusyRetrySeconds = 2

/** Hashing would have to wait longer than a person does. Nothing was tried: answer 503 with `tooBusyRetrySeconds`. */
export interface TooBusy {
  readonly kind: 'too_busy'
}

export type PasswordHashed = { readonly kind: 'hashed'; readonly phc: string } | TooBusy
export type PasswordVerified = 'right' | 'wrong' | 'too_busy'

export interface PasswordHasher {
  /** A fresh PHC string. The password must have passed `passwordFault`. */
  readonly hash: (password: string) => Promise<PasswordHashed>
  /** Rejects only where the PHC string itself is broken, never for what was typed. */
  readonly verify: (phc: string, password: string) => Promise<PasswordVerified>
  /** True while whoever comes next would be turned away. */
  readonly isFull: () => boolean
  /**
   * Verified for people we do not know: as dear as a real hash and right for no password, since no text hashes to zero
   * bytes. An unknown name and a wrong password then take the same time.
   */
  readonly dummyPhc: string
}

export type PasswordFault = 'too_short' | 'too_long' | 'not_text'

/** Why a new password is refused, or null. */
export function passwordFault(password: string): PasswordFault | null {
  if (password.length > passwordUnitsMax) return 'too_long'
  if (!password.isWellFormed() || /\p{Cc}/u.test(password)) return 'not_text'
  const characters = Array.from(prepare(password)).length
  if (characters < passwordCharactersMin) return 'too_short'
  return characters > passwordCharactersMax ? 'too_long' : null
}

export interface Derivation extends Argon2Cost {
  readonly salt: Uint8Array
  readonly tagBytes: number
}

/** Resolves with the argon2id tag of the password. Never works on the thread that calls it. */
export type Derive = (password: string, wanted: Derivation) => Promise<Uint8Array>

export interface Hashing {
  readonly cost: Argon2Cost
  readonly runningMax: number
  readonly waitingMax: number
  /** By default argon2id of `node:crypto`, on its thread pool. */
  readonly derive?: Derive
}

export const defaultHashing: Hashing = { cost: argon2Cost, runningMax: hashesRunningMax, waitingMax: hashesWaitingMax }

/** A flood of sign-ins leaves one core to everything else, where there is more than one. */
export function hashingOn(cores: number): Hashing {
  return { ...defaultHashing, runningMax: Math.max(1, Math.min(hashesRunningMax, cores - 1)) }
}

export function argon2Hasher(entropy: Entropy, hashing: Hashing = defaultHashing): PasswordHasher {
  const turns = boundedTurns(hashing)
  const derive = hashing.derive ?? argon2id
  return {
    hash: async password => {
      const salt = entropy.bytes(saltBytes)
      const tag = await turns.run(() => derive(prepare(password), { ...hashing.cost, salt, tagBytes }))
      return tag === null ? { kind: 'too_busy' } : { kind: 'hashed', phc: formatPhc({ ...hashing.cost, salt, tag }) }
    },
    verify: async (phc, password) => {
      const known = parsePhc(phc)
      // No stored password is that long or ill-formed; whose account it is makes no difference to this answer.
      if (password.length > passwordUnitsMax || !password.isWellFormed()) return 'wrong'
      const tag = await turns.run(() => derive(prepare(password), { ...known, tagBytes: known.tag.length }))
      if (tag === null) return 'too_busy'
      return timingSafeEqual(tag, known.tag) ? 'right' : 'wrong'
    },
    isFull: turns.isFull,
    dummyPhc: formatPhc({ ...hashing.cost, salt: new Uint8Array(saltBytes), tag: new Uint8Array(tagBytes) }),
  }
}

/** The same hasher, which tells after every change whether it is full: for threads that cannot ask it. */
export function tellingHasher(hasher: PasswordHasher, tell: (isFull: boolean) => void): PasswordHasher {
  async function told<T>(work: Promise<T>): Promise<T> {
    tell(hasher.isFull())
    try {
      return await work
    } finally {
      tell(hasher.isFull())
    }
  }
  return {
    ...hasher,
    hash: password => told(hasher.hash(password)),
    verify: (phc, password) => told(hasher.verify(phc, password)),
  }
}

/** The OpaqueString profile (RFC 8265 §4.2): every space is the plain one, then NFC. Case and symbols stay. */
function prepare(password: string): string {
  return password.replace(/\p{Zs}/gu, ' ').normalize('NFC')
}

function argon2id(password: string, wanted: Derivation): Promise<Uint8Array> {
  const parameters = {
    message: password,
    nonce: wanted.salt,
    memory: wanted.memoryKib,
    passes: wanted.passes,
    parallelism: wanted.lanes,
    tagLength: wanted.tagBytes,
  }
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, tag) => {
      if (error === null) resolve(tag)
      else reject(new Error('argon2id failed', { cause: error }))
    })
  })
}

interface Phc extends Argon2Cost {
  readonly salt: Uint8Array
  readonly tag: Uint8Array
}

function formatPhc(phc: Phc): string {
  const cost = `m=${phc.memoryKib},t=${phc.passes},p=${phc.lanes}`
  return `$argon2id$v=19$${cost}$${unpadded(phc.salt)}$${unpadded(phc.tag)}`
}

const phcPattern =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** A string that is no PHC of argon2id came from a broken row, so this is a surprise. The error does not repeat it. */
function parsePhc(text: string): Phc {
  const [, memory, passes, lanes, salt, tag] = phcPattern.exec(text) ?? []
  if (memory === undefined || passes === undefined || lanes === undefined || salt === undefined || tag === undefined) {
    throw new Error('a stored password hash is not an argon2id PHC string')
  }
  return {
    memoryKib: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

interface Turns {
  /** Runs the work when its turn comes; null at once when the queue is full. */
  readonly run: <T>(work: () => Promise<T>) => Promise<T | null>
  readonly isFull: () => boolean
}

function boundedTurns(bounds: Pick<Hashing, 'runningMax' | 'waitingMax'>): Turns {
  const waiting: (() => void)[] = []
  let running = 0
  const isFull = (): boolean => running >= bounds.runningMax && waiting.length >= bounds.waitingMax
  return {
    isFull,
    run: async work => {
      if (isFull()) return null
      if (running >= bounds.runningMax) {
        // The one who leaves hands its place over, so `running` already counts whoever wakes here.
        await new Promise<void>(resolve => waiting.push(resolve))
      } else {
        running += 1
      }
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) running -= 1
        else next()
      }
    },
  }
}
