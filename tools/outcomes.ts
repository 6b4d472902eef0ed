/**
 * `node tools/outcomes.ts` measures what becomes of a grant with each client library at each server, whatever goes wrong,
 * and writes docs/outcomes.md. Everything runs in this process, on a clock of its own: the same in every run.
 */

import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { contenders } from './outcomes/contenders.ts'
import { measure } from './outcomes/measure.ts'
import { pageOf, type Table } from './outcomes/page.ts'
import { rows } from './outcomes/rows.ts'
import { openSites } from './outcomes/sites.ts'

export const outcomesPath = fileURLToPath(new URL('../docs/outcomes.md', import.meta.url))

/** The document as the runs of this moment make it. */
export async function outcomesPage(): Promise<string> {
  const tables: Table[] = []
  for (const site of await openSites()) {
    const lines: Table['lines'][number][] = []
    for (const row of rows) {
      const cells = []
      for (const contender of contenders) cells.push(await measure(contender, site, row))
      lines.push({ name: row.name, cells })
    }
    await site.close()
    tables.push({ name: site.name, about: site.about, lines })
  }
  return pageOf(contenders, tables)
}

if (import.meta.main) await writeFile(outcomesPath, await outcomesPage())
