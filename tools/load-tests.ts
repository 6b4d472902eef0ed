/**
 * Loads the files of tests that share a process. At once, so that a hook of one file stands before the first test of
 * another runs; and each by itself, so that one that breaks is a failed test with its name and the others still run.
 */

import { createRequire } from 'node:module'
import { test } from 'node:test'

const require = createRequire(import.meta.url)

export function loadTests(paths: readonly string[]): void {
  for (const path of paths) load(path)
}

function load(path: string): void {
  try {
    // The one place that is told at run time what to load: that is its purpose.
    // oxlint-disable-next-line import/no-dynamic-require
    require(path)
  } catch (cause) {
    test(`${path} can be loaded`, () => {
      throw cause
    })
  }
}
