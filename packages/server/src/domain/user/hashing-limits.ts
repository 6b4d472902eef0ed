/** How much a node hashes at once, whichever of its threads is asked. */

export const hashesRunningMax = 2
/** One at a time clears it in less than three seconds, two in half of that: nobody waits longer for a place. */
export const hashesWaitingMax = 32
