"""The doors: one command per file, no logic a package could hold. Installed as the package `artwork_doors`."""
