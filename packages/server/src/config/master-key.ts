/**
 * Where the master key comes from. `PAWL_MASTER_KEY` (or the file `PAWL_MASTER_KEY_FILE` names) wins over
 * `master.key` in the data directory. Production never makes a key and takes none that others on the machine can read;
 * development makes one on first use.
 */

import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Entropy } from '../domain/entropy.ts'
import { databasePathOf, isDevelopment } from './config.ts'
import { ConfigRefused } from './config-refused.ts'
import { type ConfigSources, readVariable } from './read-config.ts'
import type { Settings } from './settings.ts'

export const masterKeyBytes = 32
const variable = 'PAWL_MASTER_KEY'
const howToMake =
  "node -p \"require('node:crypto').randomBytes(32).toString('base64url')\" makes one (32 random bytes, base64url)."
/** 32 random bytes have about 30 different values; fewer than this happens once in 10^13 keys, or to a key someone typed. */
const differentBytesMin = 16

export function masterKeyPathOf(settings: Settings): string {
  return join(settings.data, 'master.key')
}

/** The 32 bytes. Throws `ConfigRefused`, never showing any part of the key. */
export function obtainMasterKey(
  settings: Settings,
  environment: ConfigSources['environment'],
  entropy: Entropy,
): Uint8Array {
  const development = isDevelopment(settings)
  const keyFile = environment[`${variable}_FILE`]
  if (keyFile !== undefined && !development) checkFileIsPrivate(keyFile)
  const text = readVariable(environment, variable)
  if (text !== null) return decodeKey(text, variable, development)
  const path = masterKeyPathOf(settings)
  if (!isThere(path)) createKey(settings, path, entropy)
  if (!development) checkFileIsPrivate(path)
  return decodeKey(readFileSync(path, 'utf8').trimEnd(), path, development)
}

function decodeKey(text: string, origin: string, development: boolean): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== masterKeyBytes || bytes.toString('base64url') !== text) {
    throw new ConfigRefused(`${origin} is not 32 bytes in base64url (43 characters): ${howToMake}`)
  }
  if (!development && isWeak(bytes)) throw new ConfigRefused(`${origin} is not random: ${howToMake}`)
  return new Uint8Array(bytes)
}

/** Catches what people type: one character over and over, a counting row, readable text. Not a test of randomness. */
function isWeak(bytes: Uint8Array): boolean {
  const steps = new Set([...bytes.subarray(1)].map((byte, at) => (byte - (bytes[at] ?? 0)) & 0xff))
  const isText = bytes.every(byte => byte >= 0x20 && byte < 0x7f)
  return isText || steps.size === 1 || new Set(bytes).size < differentBytesMin
}

function checkFileIsPrivate(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) throw new ConfigRefused(`The master key file ${path} is not there.`)
  // Windows has neither owners nor modes in this form; its access lists are the operator's to keep.
  if (process.getuid === undefined) return
  if ((status.mode & 0o077) !== 0) {
    throw new ConfigRefused(`The master key file ${path} can be read by others: run chmod 600 ${path}.`)
  }
  const self = process.getuid()
  if (status.uid !== self && status.uid !== 0) {
    throw new ConfigRefused(`The master key file ${path} belongs to another user: run chown ${self} ${path}.`)
  }
}

/**
 * Makes the development key. Two processes at once end with one key: each writes its own file, complete and flushed, and
 * `link` lets only the first take the name.
 */
function createKey(settings: Settings, path: string, entropy: Entropy): void {
  refuseToCreate(settings, path)
  mkdirSync(settings.data, { recursive: true, mode: 0o700 })
  const draft = `${path}.${Buffer.from(entropy.bytes(8)).toString('hex')}`
  writeDurably(draft, `${Buffer.from(entropy.bytes(masterKeyBytes)).toString('base64url')}\n`)
  try {
    linkSync(draft, path)
    flushDirectory(settings.data)
  } catch (cause) {
    if (!isThere(path)) throw new ConfigRefused(`The master key cannot be written to ${path}.`, { cause })
    // Another process was first: its key is the one, and ours was never used.
  } finally {
    unlinkSync(draft)
  }
}

/** A new key beside an old database would make every stored hash and seal worthless, so it is never made there. */
function refuseToCreate(settings: Settings, path: string): void {
  if (!isDevelopment(settings)) {
    throw new ConfigRefused(`Production needs a master key of yours: set ${variable} or write ${path}. ${howToMake}`)
  }
  const database = databasePathOf(settings)
  if (database === ':memory:' || !isThere(database)) return
  // The database may have appeared between the two looks, with the key made just before it.
  if (isThere(path)) return
  throw new ConfigRefused(
    `${database} is there, but its master key is not: set ${variable} to the key it was made with, or name its directory with --data.`,
  )
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function flushDirectory(path: string): void {
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
