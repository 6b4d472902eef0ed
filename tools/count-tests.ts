/** A reporter for `node --test` that writes the counts of the whole run as one JSON object, for `test.ts` to judge. */

import type { TestEvent } from 'node:test/reporters'

export interface Counts {
  readonly tests: number
  readonly passed: number
  readonly failed: number
  readonly cancelled: number
  readonly skipped: number
  readonly todo: number
}

// Node takes a reporter as the default export of a module: the one place where we have one.
// oxlint-disable-next-line import/no-default-export
export default async function* countTests(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    // With a process for each file there is a summary of each, too; the one of the whole run names no file.
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue
    const { tests, passed, cancelled, skipped, todo } = event.data.counts
    const counts: Counts = {
      tests,
      passed,
      failed: tests - passed - cancelled - skipped - todo,
      cancelled,
      skipped,
      todo,
    }
    yield JSON.stringify(counts)
  }
}
