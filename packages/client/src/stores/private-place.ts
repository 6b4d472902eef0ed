/**
 * Files and directories that are the owner's alone. What is kept is sealed, but who can write it can bring back an old
 * record, and who can read it learns who is signed in. On Windows the access lists of the user's own folders say so, and
 * nothing is checked.
 */

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  type Stats,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CustodyExposed } from './custody-exposed.ts'

export const ownerOnlyFile = 0o600
export const ownerOnlyDirectory = 0o700
const others = 0o077

const isWindows = process.platform === 'win32'

/** Makes the directory where it is missing. Throws `CustodyExposed` unless it is a directory of this user alone. */
export function preparePrivateDirectory(path: string): void {
  const whole = resolve(path)
  const firstMade = mkdirSync(whole, { recursive: true, mode: ownerOnlyDirectory })
  if (firstMade !== undefined) flushDirectories(dirname(whole), dirname(firstMade))
  const stats = lstatSync(whole)
  if (!stats.isDirectory()) throw new CustodyExposed(`'${path}' is no directory, or a link to one: name the directory`)
  checkPrivate(path, stats)
}

/** Null where there is no such file. Throws `CustodyExposed` unless it is a file of this user alone; follows no link. */
export function readPrivateFile(path: string): string | null {
  const file = openIfThere(path)
  if (file === null) return null
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new CustodyExposed(`'${path}' is no file`)
    checkPrivate(path, stats)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** A new file, on the disk when this resolves. Its name is on the disk only after `flushDirectory`. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', ownerOnlyFile)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What was renamed or removed in it stays so after a loss of power. Windows writes such changes to its log itself. */
export async function flushDirectory(path: string): Promise<void> {
  if (isWindows) return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Throws `CustodyExposed` where somebody else owns it or may use it. */
export function checkPrivate(path: string, stats: Stats): void {
  if (isWindows) return
  if (stats.uid !== process.getuid?.()) throw new CustodyExposed(`'${path}' belongs to another user`)
  if ((stats.mode & others) === 0) return
  const wanted = stats.isDirectory() ? ownerOnlyDirectory : ownerOnlyFile
  throw new CustodyExposed(`'${path}' is open to others: chmod ${wanted.toString(8)} it`)
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | (isWindows ? 0 : constants.O_NOFOLLOW))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    if (code === 'ELOOP') throw new CustodyExposed(`'${path}' is a link: put the file itself there`, { cause: error })
    throw error
  }
}

/** A directory just made must itself be durable in its parents. */
function flushDirectories(from: string, upTo: string): void {
  if (isWindows) return
  for (let directory = from; ; directory = dirname(directory)) {
    const handle = openSync(directory, 'r')
    fsyncSync(handle)
    closeSync(handle)
    if (directory === upTo || directory === dirname(directory)) return
  }
}
