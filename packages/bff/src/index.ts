export { type Bff, answerBff } from './bff.ts'
export type { BffEvent, BffOptions, Route } from './bff-options.ts'
export type { ListedSession } from './session-lists.ts'
export type { Upgrade } from './upgrade.ts'
