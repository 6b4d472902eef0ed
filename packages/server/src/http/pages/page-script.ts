/**
 * The scripts of the pages. No page has a line of script in it: each is a small file of this server's own, and its name is
 * made of its content, so that a page gets the script it was written with or, from a node of another version, none.
 */

import { createHash } from 'node:crypto'

export interface PageScript {
  /** Where it is served; never the same for another text. */
  readonly path: string
  readonly text: string
}

export function pageScript(name: string, text: string): PageScript {
  const version = createHash('sha256').update(text).digest('hex').slice(0, versionCharacters)
  return { path: `/scripts/${name}-${version}.js`, text }
}

const versionCharacters = 16
