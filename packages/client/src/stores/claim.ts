/**
 * Something that one process at a time has: a directory with a single entry in it, the mark of who has it. A claim is
 * made aside, complete with its mark, and renamed to its place, which succeeds only where nothing is there. It is taken
 * over by renaming the mark within it: a mark is never used twice, so of all who saw the same dead one exactly one
 * renames it, and whoever is late finds nothing under that name, however much happened since. Giving back removes the
 * mark first, so nobody gives back what is no longer his. Wherever a process is killed, a claim has no mark or one.
 *
 * All of it is synchronous: within a process nobody comes between.
 */

import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

const ownerOnlyDirectory = 0o700
/** Each turn but the last one saw somebody else take or give back the claim. */
const turnsMax = 100

/** The ending of a claim that is made aside, before it is at its place. */
export const asideEnding = '.claim'

/** Null when the claim is ours now, under `mark`; else the mark of who has it. Throws where the disk refuses. */
export function tryClaim(path: string, mark: string, mayTakeFrom: (mark: string) => boolean): string | null {
  let refusal: unknown = null
  let held: string | null = null
  for (let turn = 0; turn < turnsMax; turn++) {
    held = claimedBy(path)
    if (held === null) refusal = placeClaim(path, mark)
    else if (mayTakeFrom(held)) refusal = takeOver(path, held, mark)
    else return held
    if (refusal === null) return null
  }
  if (held === null) throw new Error(`'${path}' cannot be claimed`, { cause: refusal })
  return held
}

/** False when it was not ours any more; then nothing is changed. */
export function giveBack(path: string, mark: string): boolean {
  if (refusalOf(() => rmdirSync(join(path, mark))) !== null) return false
  // Somebody else may already stand in it, or have removed it for us.
  refusalOf(() => rmdirSync(path))
  return true
}

export function isClaimedBy(path: string, mark: string): boolean {
  return existsSync(join(path, mark))
}

function claimedBy(path: string): string | null {
  try {
    return readdirSync(path)[0] ?? null
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Null when it is done, else why not. */
function placeClaim(path: string, mark: string): unknown {
  const aside = join(dirname(path), `${mark}${asideEnding}`)
  mkdirSync(join(aside, mark), { recursive: true, mode: ownerOnlyDirectory })
  const refusal = refusalOf(() => renameSync(aside, path))
  if (refusal === null) return null
  rmSync(aside, { recursive: true, force: true })
  // Whoever was killed while giving back left it empty, and Windows does not rename over that. A claim is not empty.
  refusalOf(() => rmdirSync(path))
  return refusal
}

function takeOver(path: string, held: string, mark: string): unknown {
  return refusalOf(() => renameSync(join(path, held), join(path, mark)))
}

/** What each system answers where somebody else is there, was there, or came first. */
const refusals: readonly (string | undefined)[] = ['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'EBUSY']

function refusalOf(act: () => void): unknown {
  try {
    act()
    return null
  } catch (error) {
    if (refusals.includes(codeOf(error))) return error
    throw error
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
