/**
 * A custody key out of the environment, for servers, containers and build machines: `PAWL_CUSTODY_KEY`, or the file that
 * `PAWL_CUSTODY_KEY_FILE` names. Several keys stand with commas between them, the current one first.
 */

import { open } from 'node:fs/promises'
import process from 'node:process'
import { type CustodyKey, custodyKeyFrom } from '../custody/custody-key.ts'
import { CustodyKeyUnavailable } from './custody-key-unavailable.ts'
import { howToMakeAKey, parseKey } from './key-bytes.ts'

export interface EnvironmentKeyOptions {
  /** Another name than `PAWL_CUSTODY_KEY`; the file's is the same with `_FILE`. */
  readonly variable?: string
  /** Where the variables are looked up, if not in those of the process. */
  readonly environment?: { readonly [name: string]: string | undefined }
}

const keyFileBytesMax = 4096

/**
 * The key that the operator has set. Rejects with `CustodyKeyUnavailable` when there is none, when others may read its
 * file, and when a key is not 32 random bytes in base64url; nothing of a key is shown.
 */
export async function environmentCustodyKey(options: EnvironmentKeyOptions = {}): Promise<CustodyKey> {
  const { variable = 'PAWL_CUSTODY_KEY', environment = process.env } = options
  const { text, origin } = await readVariable(environment, variable)
  const [current, ...older] = text.split(',').map((each, at) => parseKey(each.trim(), `${origin}, key ${at + 1},`))
  // A text has at least one part, which may be empty and is refused then.
  return custodyKeyFrom(current as Uint8Array<ArrayBuffer>, ...older)
}

interface Found {
  readonly text: string
  readonly origin: string
}

async function readVariable(
  environment: NonNullable<EnvironmentKeyOptions['environment']>,
  variable: string,
): Promise<Found> {
  const [text, path] = [environment[variable], environment[`${variable}_FILE`]]
  if (text !== undefined && path !== undefined) {
    throw new CustodyKeyUnavailable('unusable', `${variable} and ${variable}_FILE are both set: take one away.`)
  }
  if (text !== undefined) return { text, origin: variable }
  if (path !== undefined) return { text: await readKeyFile(path), origin: path }
  const what = `There is no custody key: set ${variable}, or ${variable}_FILE to the name of a file that holds it`
  throw new CustodyKeyUnavailable('absent', `${what}. ${howToMakeAKey}`)
}

async function readKeyFile(path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { mode, size } = await file.stat()
      // Windows has no modes in this form; its access lists are the operator's to keep.
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw readable(path)
      if (size > keyFileBytesMax) throw new CustodyKeyUnavailable('unusable', `${path} is too large to hold keys.`)
      return (await file.readFile('utf8')).trim()
    } finally {
      await file.close()
    }
  } catch (cause) {
    if (cause instanceof CustodyKeyUnavailable) throw cause
    throw new CustodyKeyUnavailable('unreachable', `The custody key file ${path} cannot be read.`, { cause })
  }
}

function readable(path: string): CustodyKeyUnavailable {
  const what = `The custody key file ${path} can be read by others: run chmod 600 ${path}.`
  return new CustodyKeyUnavailable('unusable', what)
}
