/**
 * Where the master key comes from. `PAWL_MASTER_KEY` (or the file `PAWL_MASTER_KEY_FILE` names) wins over
 * `master.key` in the data directory. Production never makes a key and takes none that others on the machine can read;
 * development makes one on first use.
 */

import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Entropy } from '../domain/entropy.ts'
import {
  formatMasterKeys,
  type MasterKeys,
  masterKeys,
  newMasterKey,
  parseMasterKeys,
  UnusableMasterKey,
} from '../domain/keys/master-keys.ts'
import { judgeMasterKeys } from '../domain/keys/weak-master-key.ts'
import { isDevelopment, storePlaceOf } from './config.ts'
import { ConfigRefused } from './config-refused.ts'
import { type ConfigSources, readSmallFile, readVariable } from './read-config.ts'
import type { Settings } from './settings.ts'

const variable = 'PAWL_MASTER_KEY'
const keyFileBytesMax = 65_536
const firstKeyId = 1
const howToMakeOne = "Make one with: openssl rand -base64 32 | tr '+/' '-_' | tr -d '='"

export function masterKeyPathOf(settings: Settings): string {
  return join(settings.data, 'master.key')
}

/** The master keys, the current one first. Throws `ConfigRefused`, never showing any part of a key. */
export function obtainMasterKeys(
  settings: Settings,
  environment: ConfigSources['environment'],
  entropy: Entropy,
): MasterKeys {
  const development = isDevelopment(settings)
  const keyFile = environment[`${variable}_FILE`]
  if (keyFile !== undefined && !development) checkFileIsPrivate(keyFile)
  const text = readVariable(environment, variable)
  if (text !== null) return readKeys(text, variable, development)
  const path = masterKeyPathOf(settings)
  if (!isThere(path)) createKey(settings, path, entropy)
  if (!development) checkFileIsPrivate(path)
  return readKeys(readSmallFile(path, keyFileBytesMax, 'the master key'), path, development)
}

/** A typed key is worth refusing where it guards people; in development it may be what makes a test repeatable. */
function readKeys(text: string, origin: string, development: boolean): MasterKeys {
  const keys = parseKeys(text, origin)
  const weakness = development ? null : judgeMasterKeys(keys)
  if (weakness !== null) throw new ConfigRefused(`${origin} is refused. ${weakness}`)
  return keys
}

function parseKeys(text: string, origin: string): MasterKeys {
  try {
    return parseMasterKeys(text)
  } catch (cause) {
    if (!(cause instanceof UnusableMasterKey)) throw cause
    throw new ConfigRefused(`${origin} is refused. ${cause.message}`, { cause })
  }
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
  const draft = `${path}.${Buffer.from(entropy.bytes(8)).toString('hex')}`
  try {
    mkdirSync(settings.data, { recursive: true, mode: 0o700 })
    writeDurably(draft, formatMasterKeys(masterKeys([newMasterKey(entropy, firstKeyId)])))
    linkSync(draft, path)
    flushDirectory(settings.data)
  } catch (cause) {
    // Where another process was first its key is the one, and ours was never used.
    if (!isThere(path)) throw new ConfigRefused(`The master key cannot be written to ${path}.`, { cause })
  } finally {
    if (isThere(draft)) unlinkSync(draft)
  }
}

/** A new key beside an old database would make every stored hash and seal worthless, so it is never made there. */
function refuseToCreate(settings: Settings, path: string): void {
  if (!isDevelopment(settings)) {
    throw new ConfigRefused(
      `Production needs a master key of yours: set ${variable}, or write it to ${path} (mode 0600). ${howToMakeOne}`,
    )
  }
  const place = storePlaceOf(settings)
  // Whether a database elsewhere is old is known once it is open: the key check then refuses a key that is not its own.
  if (place.kind !== 'sqlite' || place.path === ':memory:' || !isThere(place.path)) return
  // The database may have appeared between the two looks, with the key made just before it.
  if (isThere(path)) return
  throw new ConfigRefused(
    `${place.path} is there, but its master key is not: set ${variable} to the key it was made with, or name its directory with --data.`,
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
  return existsSync(path)
}
