/**
 * Loads the files of tests that share a process. At once, so that a hook of one file stands before the first test of
 * another runs; and each by itself, so that one that breaks is a failed test with its name and the others still run.
 * What waits while it is loaded comes after all others.
 */

import { createRequire } from 'node:module'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)

export async function loadTests(paths: readonly string[]): Promise<void> {
  const waiting = paths.filter(path => !isLoaded(path))
  for (const path of waiting) await import(pathToFileURL(path).href).catch((cause: unknown) => tellBroken(path, cause))
}

/** False of a file that waits at its top, or imports one that does: it cannot be loaded at once. */
function isLoaded(path: string): boolean {
  try {
    // The one place that is told at run time what to load: that is its purpose.
    // oxlint-disable-next-line import/no-dynamic-require
    require(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_REQUIRE_ASYNC_MODULE') return false
    tellBroken(path, cause)
  }
  return true
}

function tellBroken(path: string, cause: unknown): void {
  test(`${path} can be loaded`, () => {
    throw cause
  })
}
