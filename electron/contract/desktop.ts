/** Channel on which the desktop's bridge tells that a folder was dropped onto the window. Not part of what a page may call. */
export const FOLDER_DROPPED = "desktop:folder-dropped";
