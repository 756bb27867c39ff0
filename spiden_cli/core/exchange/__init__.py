"""What other programs read: spike trains, networks in other formats, denoisers with other calls."""
