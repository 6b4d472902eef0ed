/** A reporter for `node --test` that writes the outcome of the whole run as one JSON object, for `test.ts` to judge. */

import { inspect } from 'node:util'
import type { TestEvent } from 'node:test/reporters'

export interface Tally {
  readonly tests: number
  readonly passed: number
  readonly failed: number
  readonly cancelled: number
  readonly skipped: number
  readonly todo: number
  /** What failed and why, so that it can be said once more where a long log ends. */
  readonly failures: readonly string[]
}

/** Of one failure: enough for a message and the top of its stack. */
const failureCharactersMax = 3000

// Node takes a reporter as the default export of a module: the one place where we have one.
// oxlint-disable-next-line import/no-default-export
export default async function* countTests(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: string[] = []
  for await (const event of source) {
    if (event.type === 'test:fail' && !isOfItsSubtests(event.data.details.error)) failures.push(told(event.data))
    // With a process for each file there is a summary of each, too; the one of the whole run names no file.
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue
    const { tests, passed, cancelled, skipped, todo } = event.data.counts
    const failed = tests - passed - cancelled - skipped - todo
    const tally: Tally = { tests, passed, failed, cancelled, skipped, todo, failures }
    yield JSON.stringify(tally)
  }
}

/** A suite fails with its tests; they say why. */
function isOfItsSubtests(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed'
}

function told({ name, file, details }: Extract<TestEvent, { type: 'test:fail' }>['data']): string {
  const reason = inspect(details.error.cause ?? details.error).slice(0, failureCharactersMax)
  return `${name}\n  in ${file ?? 'a file of this run'}\n${reason.replaceAll(/^/gm, '    ')}`
}
