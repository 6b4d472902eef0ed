/** A TypeScript program as one script for the browser, with everything it imports. */

import { rolldown } from 'rolldown'

export interface Bundle {
  readonly code: string
  /** What the program still imports when it runs: nothing, if it is whole. */
  readonly imports: readonly string[]
  /** Paths of the modules in it. */
  readonly modules: readonly string[]
}

export async function bundleForBrowser(program: string, { isMinified = false } = {}): Promise<Bundle> {
  const bundle = await rolldown({ input: program, platform: 'browser' })
  try {
    const { output } = await bundle.generate({ format: 'es', minify: isMinified })
    const [chunk, ...others] = output
    if (others.length > 0) throw new Error(`${program} is bundled in ${output.length} parts`)
    const { code, imports, dynamicImports, modules } = chunk
    return { code, imports: [...imports, ...dynamicImports], modules: Object.keys(modules) }
  } finally {
    await bundle.close()
  }
}
