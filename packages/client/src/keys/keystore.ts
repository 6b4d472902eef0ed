/**
 * A custody key in the keystore of the operating system: Keychain, Credential Manager, Secret Service. One key of 32 bytes
 * lies there, and the grants lie sealed where the store keeps them, so that a copied disk opens nothing.
 *
 * No keystore can make an entry only if there is none, and two processes may start at the same moment. So each makes its
 * key under an account that nobody else has, and what decides is a small file beside the grants that names the account: a
 * file can be made only if there is none (`link`), whole, in one step. Whoever was second takes the key of the first and
 * removes its own. A process that is killed in between leaves an entry that nobody uses, and no lock.
 *
 * There is no fall-back. A key that could be guessed from the machine, or that lies in a file beside what it seals, would
 * be one in name only.
 */

import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type CustodyKey, custodyKeyBytes, custodyKeyFrom, encodeBase64Url } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import { CustodyKeyUnavailable } from './custody-key-unavailable.ts'
import { parseKey } from './key-bytes.ts'
import { systemKeystore, whatToDo } from './system-keystore.ts'
import { within } from './within.ts'

export interface KeystoreKeyOptions {
  /** The application, as a person finds it in the keystore: `example.com command line`. */
  readonly service: string
  /** Where the grants are kept. A file in it names the key; the key itself is never there. */
  readonly directory: string
  /**
   * How long the keystore may take. The default is for programs that nobody watches. Where somebody may be asked to unlock
   * the keystore, leave them the time to type.
   */
  readonly seconds?: number
  /** Another one than that of the operating system. */
  readonly keystore?: Keystore
  readonly clock?: HolderClock
}

/** Texts by service and account. Its answers are waited for only until the signal is aborted. */
export interface Keystore {
  read(service: string, account: string, signal: AbortSignal): Promise<string | null>
  write(service: string, account: string, secret: string, signal: AbortSignal): Promise<void>
  remove(service: string, account: string, signal: AbortSignal): Promise<void>
}

export const keystoreSecondsMax = 1.5

/** In the directory of the grants. */
export const accountFile = 'custody-key-account'

/**
 * The key that the keystore has for this directory; the first time it is made. Rejects with `CustodyKeyUnavailable`:
 * `unreachable` when the keystore is not there, locked or silent, `absent` when it has lost the key.
 */
export async function keystoreCustodyKey(options: KeystoreKeyOptions): Promise<CustodyKey> {
  const bytes = await inTime(options, async (keystore, signal) => {
    const account = await readAccount(options.directory)
    return account === null ? createKey(options, keystore, signal) : readKey(options, keystore, account, signal)
  })
  try {
    return await custodyKeyFrom(bytes)
  } finally {
    bytes.fill(0)
  }
}

/**
 * Removes the key: what was sealed under it can never be opened again. For whoever uninstalls, or starts anew after the
 * keystore lost the key.
 */
export async function forgetKeystoreKey(options: KeystoreKeyOptions): Promise<void> {
  await inTime(options, async (keystore, signal) => {
    const account = await readAccount(options.directory)
    if (account === null) return
    await keystore.remove(options.service, account, signal)
    await rm(join(options.directory, accountFile), { force: true })
  })
}

async function inTime<Answer>(
  { seconds = keystoreSecondsMax, clock = machineClock, keystore = systemKeystore() }: KeystoreKeyOptions,
  doing: (keystore: Keystore, signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const done = await within(seconds, clock, async signal => ({ answer: await doing(keystore, signal) }))
  if (done !== null) return done.answer
  const what = `The keystore of this system did not answer within ${seconds} s: it is locked, or nobody is there to unlock it`
  throw new CustodyKeyUnavailable('unreachable', `${what}. ${whatToDo}`)
}

async function readKey(
  { service, directory }: KeystoreKeyOptions,
  keystore: Keystore,
  account: string,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const secret = await keystore.read(service, account, signal)
  if (secret !== null) return parseKey(secret, `The key of '${service}' in the keystore`)
  const what = `The keystore has no key of '${service}' for ${directory} any more: it was removed, or the directory comes from another machine or user`
  const then = `What is kept there cannot be opened: remove ${join(directory, accountFile)} and sign in again.`
  throw new CustodyKeyUnavailable('absent', `${what}. ${then}`)
}

async function createKey(
  options: KeystoreKeyOptions,
  keystore: Keystore,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { service, directory } = options
  const account = encodeBase64Url(drawBytes(accountBytes))
  await keystore.write(service, account, encodeBase64Url(drawBytes(custodyKeyBytes)), signal)
  // What the keystore gives back is the key, so that nothing is ever sealed under one that it has not kept.
  const bytes = await readKey(options, keystore, account, signal)
  const settled = await settleAccount(directory, account)
  if (settled === account) return bytes
  const theirs = await readKey(options, keystore, settled, signal)
  // An entry that could not be removed is in nobody's way: no file names it.
  await keystore.remove(service, account, signal).catch(() => undefined)
  return theirs
}

const accountBytes = 16

async function readAccount(directory: string): Promise<string | null> {
  try {
    const text = await readFile(join(directory, accountFile), 'utf8')
    if (/^[\w-]{22}\n$/.test(text)) return text.trimEnd()
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw new CustodyKeyUnavailable('unreachable', `${join(directory, accountFile)} cannot be read.`, { cause })
  }
  throw new CustodyKeyUnavailable('unusable', `${join(directory, accountFile)} does not name a key.`)
}

/** The account that the file names from now on: ours, or that of whoever was first. */
async function settleAccount(directory: string, account: string): Promise<string> {
  const path = join(directory, accountFile)
  const draft = `${path}.${account}`
  await mkdir(directory, { recursive: true, mode: 0o700 })
  try {
    await writeDurably(draft, `${account}\n`)
    await link(draft, path)
    return account
  } catch (cause) {
    const first = await readAccount(directory)
    if (first !== null) return first
    throw new CustodyKeyUnavailable('unreachable', `${path} cannot be written.`, { cause })
  } finally {
    await rm(draft, { force: true })
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
